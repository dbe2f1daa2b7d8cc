import { z } from "zod";
import { addressOf } from "../../machines/addresses.ts";
import { type Deed, mostQueued } from "../../machines/outbox.ts";
import { NoReply } from "../../runtime/host.ts";
import type { Call, CommandContext } from "../command.ts";

/** What became of something that was to be done in a room. */
export const done = z.object({
  state: z
    .enum(["done", "accepted"])
    .describe("`accepted`: it is written down, and will be done as soon as the homeserver takes it."),
  events: z.array(z.string()).describe("The ids of the events that it has become; empty while it is only accepted."),
  key: z.string().describe("Names it in our records."),
});

export type DoneInRoom = z.output<typeof done>;

const report = z.union([
  z.object({ key: z.string(), events: z.array(z.string()) }),
  z.object({ key: z.string(), failed: z.string(), kind: z.string(), remedy: z.string().exactOptional() }),
  z.object({ key: z.string(), unknown: z.literal(true) }),
]);

/** How long a caller waits to hear the event ids, ms; what it wanted goes on after that. */
const patience = 10_000;
const queue = z.object({ queue: z.array(z.unknown()) });

export interface Wish {
  readonly userId: string;
  readonly roomId: string;
  /** Names it. */
  readonly key: string;
  readonly what: Deed;
}

/**
 * Has one of our users do something in a room. Resolves when it is durable, with what became of it if that is known soon.
 * Throws {@link RoomBusy} and {@link NotDone}, and what the host throws when it takes nothing.
 */
export async function run(
  { userId, roomId, key, what }: Wish,
  { host, server }: Pick<CommandContext, "host" | "server">,
  { signal }: Pick<Call, "signal">,
): Promise<DoneInRoom> {
  const outbox = addressOf.outbox(server, userId, roomId);
  const waiting = queue.safeParse(host.read(outbox)?.context).data?.queue.length ?? 0;
  if (waiting >= mostQueued) throw new RoomBusy(waiting);
  await host.accept(outbox, { type: "SEND", errand: { key, what } }, { id: key, cause: key });
  try {
    const said = report.parse(await host.ask(outbox, { type: "REPORT", key }, { timeout: patience, signal }));
    if ("failed" in said) throw new NotDone(said);
    return "events" in said ? { state: "done", events: said.events, key } : { state: "done", events: [], key };
  } catch (error) {
    if (error instanceof NoReply) return { state: "accepted", events: [], key };
    throw error;
  }
}

/** The homeserver has refused it for good, or did not take it for a day. */
export class NotDone extends Error {
  override readonly name = "NotDone";
  readonly kind: string;
  readonly remedy: string;

  constructor({ failed, kind, remedy }: { readonly failed: string; readonly kind: string; readonly remedy?: string }) {
    super(failed);
    this.kind = kind;
    this.remedy = remedy ?? "Look whether the room exists, and whether the user that acts is in it and may do this.";
  }
}

/** Nothing was taken. */
export class RoomBusy extends Error {
  override readonly name = "RoomBusy";
  readonly remedy = "Send it again when those are sent.";
  readonly retryAfterMs = 10_000;

  constructor(waiting: number) {
    super(`${waiting} messages wait to be sent into this room already`);
  }
}
