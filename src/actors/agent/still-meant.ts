import type { Command, Heard } from "../../machines/question.ts";
import type { MatrixEvent } from "../../matrix/port.ts";
import { isRemark } from "../marker.ts";

/**
 * The commands among what was said (by their events) that mean now what they meant when they were said, although they are
 * taken late: a sign on a request names it; `!retry` is about the newest answer before it, and so is meant until a newer
 * question is `answered`; any other is about what the agent does, as its words show it. A remark shows nothing of that: it
 * may be about an earlier command, and come just after this one.
 */
export function commandsStillMeant(
  events: readonly MatrixEvent[],
  said: readonly Heard[],
  userId: string,
  answered: ReadonlySet<string>,
): ReadonlySet<string> {
  const places = new Map(events.map(({ eventId }, place) => [eventId, place]));
  const placeOf = (eventId: string): number => places.get(eventId) ?? -1;
  const lastWord = events.findLastIndex(
    ({ sender, stateKey, content }) => sender === userId && stateKey === undefined && !isRemark(content),
  );
  const answeredLast = Math.max(-1, ...[...answered].map(placeOf));
  const isMeant = ({ name, eventId, reactionTo }: Command): boolean => {
    if (reactionTo !== undefined) return true;
    return placeOf(eventId) > (name === "retry" ? answeredLast : lastWord);
  };
  return new Set(said.flatMap((one) => (one.kind === "command" && isMeant(one.command) ? one.command.eventId : [])));
}
