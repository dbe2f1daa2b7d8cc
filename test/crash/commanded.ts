import type { Resident, RoomEvidence } from "./evidence.ts";
import type { Case } from "./laws.ts";
import type { SaidCommand } from "./messages.ts";
import type { Ending, RoomView } from "./timeline.ts";

/** What people's commands explain, and laws about them. */

type Seen = Pick<Case, "resident" | "view" | "evidence">;

/**
 * The commands that wanted a question to be asked once more, by the ends of its turns. One whose answer is silence ends
 * without any: where it was stopped, each may have been meant for it.
 */
export function retriesOf({ message, endings, resident, evidence }: Case): Set<string> {
  const seen = endings.flatMap(({ retry }) => retry ?? []);
  const meant = message.silent && endings.some(looksStopped) ? evidence.commands : [];
  const unseen = meant.filter(({ name, roomId }) => name === "retry" && roomId === resident.roomId);
  return new Set([...seen, ...unseen.map(({ eventId }) => eventId)]);
}

/** Whether it is the end of a turn that somebody has stopped before. */
export function isStopped(ending: Ending, { resident, view, evidence }: Seen): boolean {
  return looksStopped(ending) && stopsBefore(ending, { resident, view, evidence }) > 0;
}

/**
 * Whether this is what an agent says to a command that changes nothing, or once to a question that has to wait until a
 * tool call is decided.
 */
export function remarksIn(
  commands: readonly SaidCommand[],
  { requests, unmarked }: RoomView,
  questions: ReadonlySet<string>,
): (said: RoomView["unmarked"][number]) => boolean {
  const known = new Set(commands.map(({ eventId }) => eventId));
  return ({ eventId, inReplyTo = "" }) => {
    const isFirst = unmarked.find((said) => said.inReplyTo === inReplyTo)?.eventId === eventId;
    return known.has(inReplyTo) || (requests.length > 0 && questions.has(inReplyTo) && isFirst);
  };
}

/** Whether each `!retry` in the room has led to a further end, or to a word about it. */
export function areCarriedOut({ roomId }: Resident, { endings, unmarked }: RoomView, evidence: RoomEvidence): boolean {
  const done = new Set([...endings.map(({ retry }) => retry), ...unmarked.map(({ inReplyTo }) => inReplyTo)]);
  const isSilent = new Set(evidence.messages.filter(({ silent }) => silent).map(({ eventId }) => eventId));
  // Silence has no end that can be seen.
  if (endings.some((ending) => isSilent.has(ending.cause) && looksStopped(ending))) return true;
  return evidence.commands.every((one) => one.name !== "retry" || one.roomId !== roomId || done.has(one.eventId));
}

/** Commands that had more than one effect, or that an agent was asked; each with its event and how. */
export function commandedTwice(resident: Resident, view: RoomView, evidence: RoomEvidence): [string, string][] {
  const commands = evidence.commands.filter(({ roomId }) => roomId === resident.roomId);
  const own = commands.flatMap(({ eventId }): [string, string][] => {
    const remarks = view.unmarked.filter(({ inReplyTo }) => inReplyTo === eventId).length;
    const turns = new Set(view.endings.filter(({ retry }) => retry === eventId).map(({ cause }) => cause)).size;
    return remarks + turns > 1 ? [[eventId, `${remarks} things were said to it, and ${turns} turns begun`]] : [];
  });
  const stopped = view.endings.filter(looksStopped);
  const overstopped = stopped
    .filter((ending, index) => stopsBefore(ending, { resident, view, evidence }) < index + 1)
    .map(({ eventId }): [string, string] => [eventId, "it says that it was stopped, and nobody wanted that"]);
  const asked = evidence.askings
    .filter(({ question }) => commands.some(({ name }) => question.trim().endsWith(`!${name}`)))
    .map(({ question }): [string, string] => ["", `the model was asked: ${question}`]);
  return [...own, ...overstopped, ...asked];
}

function looksStopped({ outcome, body }: Ending): boolean {
  return outcome === "error" && /(^|\()Stopped\.\)?$/.test(body);
}

function stopsBefore({ index }: Ending, { resident, view, evidence }: Seen): number {
  return evidence.commands.filter(
    ({ name, roomId, eventId }) =>
      name === "stop" && roomId === resident.roomId && (view.indexOf.get(eventId) ?? index) < index,
  ).length;
}
