import type { Call, CommandContext } from "../command.ts";
import { isRepeated, type Wish } from "./errand.ts";

/** A message is waited for no longer than this, ms: a homeserver that hangs keeps nothing from being accepted. */
const patience = 3_000;

type Needs = Pick<CommandContext, "host" | "server" | "sessions">;

/**
 * Throws {@link NoSuchMessage} where there is known to be none by this id, and {@link KeyTaken} where its key is another
 * deed's. What cannot be looked at now is taken for right: what is wanted of it is not lost for that. Nor is looked at what
 * was asked for before.
 */
export async function assertThere(event: string, wish: Wish, context: Needs, call: Pick<Call, "signal">) {
  if (isRepeated(wish, context)) return undefined;
  const { userId, roomId } = wish;
  const soon = AbortSignal.any([call.signal, AbortSignal.timeout(patience)]);
  const look = async () => {
    const client = context.sessions.as(userId).at("conversation");
    const found = await client.event(roomId, event, soon);
    // Some homeservers say so of a room that the user is not in: it is let in only once it speaks.
    if (found === undefined && (await client.joinedRooms(soon)).includes(roomId)) return "none";
    return found;
  };
  const found = await look().catch(() => undefined);
  if (found === "none") throw new NoSuchMessage(event);
  return found;
}

/** The same, and throws {@link WrittenByOther} where the message is known to be somebody else's. */
export async function assertWritten(
  event: string,
  wish: Wish,
  context: Needs,
  call: Pick<Call, "signal">,
): Promise<void> {
  const found = await assertThere(event, wish, context, call);
  if (found !== undefined && found.sender !== wish.userId) throw new WrittenByOther();
}

/** Nothing was done. */
export class NoSuchMessage extends Error {
  override readonly name = "NoSuchMessage";
  readonly remedy = "Take the id of a message in this room from `messages.list` or `messages.search`.";

  constructor(event: string) {
    super(`there is no message ${event} in this room, or none that the user who acts may see`);
  }
}

/** Nothing was done. */
export class WrittenByOther extends Error {
  override readonly name = "WrittenByOther";
  override readonly message = "somebody else has written this message: every client would ignore the edit";
  readonly remedy = "Edit it as the agent that has written it, or answer it instead.";
}
