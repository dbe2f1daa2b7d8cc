import type { Call, CommandContext } from "../command.ts";

/** Who wrote a message is waited for no longer than this, ms: a homeserver that hangs keeps nothing from being accepted. */
const patience = 3_000;

/**
 * Throws {@link WrittenByOther} where a message is known to be somebody else's. One that cannot be looked at now is taken for
 * the user's own: what it wants done is not lost for that.
 */
export async function assertWritten(
  event: string,
  { userId, roomId }: { readonly userId: string; readonly roomId: string },
  { sessions }: Pick<CommandContext, "sessions">,
  { signal }: Pick<Call, "signal">,
): Promise<void> {
  const soon = AbortSignal.any([signal, AbortSignal.timeout(patience)]);
  const look = async () => sessions.as(userId).at("conversation").event(roomId, event, soon);
  const found = await look().catch(() => undefined);
  if (found !== undefined && found.sender !== userId) throw new WrittenByOther();
}

/** Nothing was done. */
export class WrittenByOther extends Error {
  override readonly name = "WrittenByOther";
  override readonly message = "somebody else has written this message: every client would ignore the edit";
  readonly remedy = "Edit it as the agent that has written it, or answer it instead.";
}
