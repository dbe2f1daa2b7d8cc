import { expect } from "vitest";
import type { Person } from "./person.ts";
import { type Mark, markOf, messageOf, type RoomEvent } from "./room-event.ts";
import { type Shown, shown } from "./shown.ts";
import type { Resident } from "./world.ts";

/** The events with which an agent answered one question. */
export interface Answered {
  /** What was shown before the answer was there, oldest first. */
  readonly drafts: readonly RoomEvent[];
  /** The answer itself: one event, or several where it is long. */
  readonly finals: readonly RoomEvent[];
  readonly outcome: Mark["outcome"];
  /** The text of all finals. */
  readonly text: string;
}

/** Waits until the question has its last part of an answer. */
export function answerTo(person: Person, { roomId, name }: Resident, questionId: string, withinMs?: number) {
  const look = (): Answered | undefined => answered(person.events(roomId), questionId);
  return person.until(`${name}'s answer to ${questionId}`, look, withinMs);
}

/** Waits until each of these questions is answered: as long as that takes, if only the next answer comes soon. */
export async function answersTo(person: Person, agent: Resident, questionIds: readonly string[]): Promise<Answered[]> {
  const all: Answered[] = [];
  for (const questionId of questionIds) all.push(await answerTo(person, agent, questionId));
  return all;
}

/** Waits until a draft of the answer stands in the room, and is none but a draft. */
export async function draftOf(person: Person, agent: Resident, questionId: string): Promise<Shown> {
  const look = (): Shown | undefined => saidBy(person, agent).find(({ mark }) => mark?.cause === questionId);
  const draft = await person.until(`a draft of ${agent.name}'s answer to ${questionId}`, look);
  expect(draft.mark?.final).toBe(false);
  return draft;
}

/** Waits until this many versions of the unfinished answer were seen, and gives all that were. */
export function draftsOf(person: Person, { roomId, name }: Resident, questionId: string, atLeast: number) {
  const look = (): readonly RoomEvent[] | undefined => {
    const drafts = draftsIn(marked(person.events(roomId), questionId));
    return drafts.length >= atLeast ? drafts : undefined;
  };
  return person.until(`${atLeast} drafts of ${name}'s answer to ${questionId}`, look);
}

export function answered(events: readonly RoomEvent[], questionId: string): Answered | undefined {
  const about = marked(events, questionId);
  const last = about.find(({ mark }) => mark.final);
  if (last === undefined) return undefined;
  const finals = about.filter(({ mark }) => mark.outcome !== undefined).map(({ event }) => event);
  return {
    drafts: draftsIn(about),
    finals,
    outcome: last.mark.outcome,
    text: finals.map(freshBody).join("\n"),
  };
}

function marked(events: readonly RoomEvent[], questionId: string) {
  return events.flatMap((event) => {
    const mark = markOf(event.content);
    return mark?.cause === questionId ? [{ event, mark }] : [];
  });
}

function draftsIn(about: ReturnType<typeof marked>): readonly RoomEvent[] {
  return about.filter(({ mark }) => mark.outcome === undefined).map(({ event }) => event);
}

/** The text an event gives its message, without the star that stands for clients that know no edits. */
export function freshBody(event: RoomEvent): string {
  const message = messageOf(event);
  return message?.["m.new_content"]?.body ?? message?.body ?? "";
}

/** What the agent shows in the room now, all of it. */
export function saidBy(person: Person, { roomId, userId }: Resident) {
  return shown(person.events(roomId)).filter(({ sender }) => sender === userId);
}

/** Each of these questions has exactly one answer, and the answers stand in the questions' order. */
export function expectOneAnswerEach(person: Person, agent: Resident, questionIds: readonly string[]): void {
  const finals = saidBy(person, agent).filter(({ mark }) => mark?.final === true);
  const causes = finals.map(({ mark }) => mark?.cause);
  expect(causes).toEqual(questionIds);
}
