import { type MatrixClient, MatrixError, type SyncRequest, type SyncResponse } from "../matrix/port.ts";

/** The homeserver cannot read a cursor that it has given itself: it lost its database, say, or was replaced. */
export class CursorRefused extends Error {
  override readonly name = "CursorRefused";
  readonly kind = "cursor";
  readonly remedy = "Wait: refused again and again, it is given up, and what was missed is looked for without it.";

  constructor(userId: string, options?: ErrorOptions) {
    super(`the homeserver refuses the sync cursor of ${userId}`, options);
  }
}

/** What homeservers call a `since` that is none. */
const unreadable: ReadonlySet<string> = new Set(["M_UNKNOWN", "M_INVALID_PARAM"]);

/** Syncs from a cursor. Throws {@link CursorRefused} when it is the cursor that is refused. */
export async function syncFrom(
  client: MatrixClient,
  request: SyncRequest & { readonly since: string },
  signal: AbortSignal,
): Promise<SyncResponse> {
  try {
    return await client.sync(request, signal);
  } catch (error) {
    if (error instanceof MatrixError && error.kind === "refused" && unreadable.has(error.errcode ?? ""))
      throw new CursorRefused(client.userId, { cause: error });
    throw error;
  }
}
