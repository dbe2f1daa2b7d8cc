import type { Command, Heard } from "../../machines/question.ts";
import type { MatrixEvent } from "../../matrix/port.ts";

/**
 * The commands among what was said (by their events) that mean now what they meant when they were said, although they are
 * taken late: a sign on a request names it; `!retry` is about the newest question before it; any other is about what the
 * agent does, as its words show it.
 */
export function commandsStillMeant(
  events: readonly MatrixEvent[],
  said: readonly Heard[],
  userId: string,
): ReadonlySet<string> {
  const places = new Map(events.map(({ eventId }, place) => [eventId, place]));
  const placeOf = (eventId: string): number => places.get(eventId) ?? -1;
  const lastWord = events.findLastIndex(({ sender, stateKey }) => sender === userId && stateKey === undefined);
  const lastQuestion = Math.max(
    -1,
    ...said.flatMap((one) => (one.kind === "question" ? placeOf(one.question.eventId) : [])),
  );
  const isMeant = ({ name, eventId, reactionTo }: Command): boolean => {
    if (reactionTo !== undefined) return true;
    return placeOf(eventId) > (name === "retry" ? lastQuestion : lastWord);
  };
  return new Set(said.flatMap((one) => (one.kind === "command" && isMeant(one.command) ? one.command.eventId : [])));
}
