import { readAnswer } from "../servers/model-plan.ts";
import { commandedTwice, isStopped, remarksIn, retriesOf } from "./commanded.ts";
import type { Evidence, Kill, Resident, RoomEvidence } from "./evidence.ts";
import type { SentMessage } from "./messages.ts";
import { miscounts, secondTimes } from "./one-of-each.ts";
import { type Ending, type RoomView, type Saying, viewOf } from "./timeline.ts";

/** A promise that was broken, for which message, where. */
export interface Violation {
  readonly law: LawName;
  readonly roomId: string;
  /** The question's event id, or the event in question where there is none. */
  readonly eventId: string;
  readonly nonce?: string;
  readonly detail: string;
}

/** What happened to one message, gathered for judgement. */
export interface Case {
  readonly message: SentMessage;
  readonly resident: Resident;
  readonly view: RoomView;
  /** The answers and drafts to it. */
  readonly sayings: readonly Saying[];
  readonly endings: readonly Ending[];
  readonly evidence: RoomEvidence;
}

/** Judges a message: each string is one breach of the law. */
type Law = (one: Case) => string[];

const when = (broken: boolean, detail: () => string): string[] => (broken ? [detail()] : []);

const laws = {
  "answered-once": ({ endings }) =>
    [...Map.groupBy(endings, ({ retry }) => retry)]
      .filter(([, { length }]) => length > 1)
      .map(([, finals]) => `it has ${finals.length} finals: ${finals.map(({ eventId }) => eventId).join(", ")}`),

  "no-answer-lost": ({ message, endings, evidence }) =>
    message.silent
      ? when(endings.length + askingsOf(message, evidence).length === 0, () => "the agent was never asked")
      : when(endings.length === 0, () => "it has no final"),

  "silence-kept": ({ message, endings, ...rest }) =>
    endings
      .filter((ending) => message.silent && !isStopped(ending, rest))
      .map(({ body }) => `the agent had nothing to say, but said: ${body}`),

  "nonce-of-its-question": ({ message, endings }) =>
    endings
      .filter(({ outcome }) => outcome === "answer")
      .map(({ body }) => readAnswer(body).nonce)
      .filter((nonce) => !noncesOf(message).includes(nonce ?? ""))
      .map((nonce) => `its answer names ${nonce}`),

  "word-of-its-agent": ({ resident, endings }) =>
    endings
      .filter(({ outcome }) => outcome === "answer")
      .map(({ body }) => readAnswer(body).secretWord)
      .filter((word) => word !== resident.word)
      .map((word) => `its answer holds the word ${word}, not ${resident.word} of ${resident.name}`),

  "right-place": ({ message, sayings }) =>
    sayings.flatMap(({ eventId, relation }) => {
      const thread = relation.rel_type === "m.thread" ? relation.event_id : undefined;
      const answered = relation["m.in_reply_to"]?.event_id;
      return [
        ...when(answered !== message.eventId, () => `${eventId} is a reply to ${answered}`),
        ...when(thread !== message.thread, () => `${eventId} stands in thread ${thread}, not ${message.thread}`),
      ];
    }),

  "no-draft-left-hanging": ({ sayings }) =>
    sayings
      .filter(({ final, outcome }) => !final && outcome === undefined)
      .map(({ eventId }) => `${eventId} still shows a draft`),

  "asked-as-allowed": (one) => [...askedTwice(one), ...askedAfterAnswer(one), ...acceptedTwice(one)],

  "no-tool-run-twice": (one) =>
    noncesOf(one.message)
      .map((nonce) => one.evidence.toolRuns.get(nonce) ?? 0)
      .filter((runs) => runs > 1 + retriesOf(one).size)
      .map((runs) => `its tool ran ${runs} times`),

  "request-decided": ({ message, view, evidence }) =>
    view.requests
      .filter(({ cause }) => cause === message.eventId)
      .flatMap(({ eventId, open }) => [
        ...when(message.decision === undefined, () => `${eventId} asks about a tool that nobody has to be asked about`),
        // Saying so is not tried again where the homeserver is away.
        ...when(open && !homeserverWasAway(message, evidence), () => `${eventId} still looks undecided`),
      ]),

  "no-tool-run-denied": ({ message, evidence }) =>
    noncesOf(message)
      .filter((nonce) => (message.decision === "deny" || message.decision === "❌") && evidence.toolRuns.has(nonce))
      .map(() => "its tool ran although people have denied it"),

  "error-only-after-approved-tool": ({ message, endings, evidence, ...rest }) =>
    endings
      .filter(({ outcome }) => outcome !== "answer" && !evidence.approved.has(message.eventId))
      .filter((ending) => !isStopped(ending, { ...rest, evidence }))
      .map(({ outcome, body }) => `its final has the outcome ${outcome}: ${body}`),
} satisfies Record<string, Law>;

export type LawName =
  | keyof typeof laws
  | "comes-to-rest"
  | "in-order"
  | "nothing-else-said"
  | "commanded-once"
  | "no-second-registration-login-room-space"
  | "one-of-each";

export const lawNames: readonly LawName[] = [
  ...(Object.keys(laws) as (keyof typeof laws)[]),
  "comes-to-rest",
  "in-order",
  "nothing-else-said",
  "commanded-once",
  "no-second-registration-login-room-space",
  "one-of-each",
];

/** Everything that a run has done wrong. */
export function judge(evidence: Evidence): Violation[] {
  return [
    ...judgeRooms(evidence),
    ...secondTimes(evidence).map((detail) => ofNoRoom("no-second-registration-login-room-space", detail)),
    ...miscounts(evidence).map((detail) => ofNoRoom("one-of-each", detail)),
  ];
}

/** Judges what stands in the rooms alone. */
export function judgeRooms(evidence: RoomEvidence): Violation[] {
  return evidence.residents.flatMap((resident) => judgeRoom(resident, evidence));
}

function ofNoRoom(law: LawName, detail: string): Violation {
  return { law, roomId: "", eventId: "", detail };
}

function judgeRoom(resident: Resident, evidence: RoomEvidence): Violation[] {
  const { roomId } = resident;
  const view = viewOf(evidence.timelines.get(roomId) ?? [], resident.userId);
  const messages = evidence.messages.filter((message) => message.roomId === roomId);
  const single = messages.flatMap((message) => {
    const isOf = ({ cause }: { readonly cause: string }): boolean => cause === message.eventId;
    const sayings = view.sayings.filter(isOf);
    const endings = view.endings.filter(isOf);
    return judgeOne({ message, resident, view, sayings, endings, evidence });
  });
  const commanded = commandedTwice(resident, view, evidence).map(
    ([eventId, detail]): Violation => ({ law: "commanded-once", roomId, eventId, detail }),
  );
  return [...single, ...orderOf(messages, view, roomId), ...elseSaid(messages, view, evidence, roomId), ...commanded];
}

function judgeOne(one: Case): Violation[] {
  const { roomId, eventId, nonce } = one.message;
  return Object.entries(laws).flatMap(([name, law]) =>
    law(one).map((detail): Violation => ({ law: name as keyof typeof laws, roomId, eventId, nonce, detail })),
  );
}

/** The answers of a room come in the order of its questions. */
function orderOf(messages: readonly SentMessage[], { indexOf, endings }: RoomView, roomId: string): Violation[] {
  const place = ({ eventId }: SentMessage): number => indexOf.get(eventId) ?? Number.POSITIVE_INFINITY;
  let latest = -1;
  const violations: Violation[] = [];
  for (const { eventId, nonce } of messages.toSorted((one, other) => place(one) - place(other))) {
    const answered = endings.find(({ cause }) => cause === eventId)?.index;
    if (answered === undefined) continue;
    if (answered < latest)
      violations.push({ law: "in-order", roomId, eventId, nonce, detail: "it was answered before an earlier message" });
    latest = Math.max(latest, answered);
  }
  return violations;
}

/** Agents say nothing but answers to what they were asked. */
function elseSaid(
  messages: readonly SentMessage[],
  view: RoomView,
  { commands }: RoomEvidence,
  roomId: string,
): Violation[] {
  const known = new Set(messages.map(({ eventId }) => eventId));
  const isRemark = remarksIn(commands, view, known);
  const strange = [...view.sayings, ...view.endings].filter(({ cause }) => !known.has(cause));
  const events = new Set([
    ...view.unmarked.filter((one) => !isRemark(one)).map(({ eventId }) => eventId),
    ...strange.map(({ eventId }) => eventId),
  ]);
  return [...events].map(
    (eventId): Violation => ({ law: "nothing-else-said", roomId, eventId, detail: "no message asked for this event" }),
  );
}

function noncesOf({ nonce, edited }: SentMessage): string[] {
  return edited === undefined ? [nonce] : [nonce, edited];
}

function askingsOf(message: SentMessage, { askings }: RoomEvidence) {
  const nonces = noncesOf(message);
  return askings.filter(({ nonce, afterTool }) => nonce !== undefined && !afterTool && nonces.includes(nonce));
}

/**
 * A turn is lost only with the process that follows it or with Letta itself: each further asking needs such a kill of
 * its own, after Letta had the input before. (The model may hear of that input only after the kill.)
 */
function askedTwice(one: Case): string[] {
  const { message, evidence } = one;
  const retries = retriesOf(one);
  const askings = askingsOf(message, evidence);
  const accepted = evidence.acceptances.filter(({ eventId }) => eventId === message.eventId).map(({ at }) => at);
  let from = 0;
  return askings.slice(1).flatMap(({ at }, index) => {
    const before = askings[index]?.at ?? 0;
    const begun = Math.max(from, ...accepted.filter((time) => time <= before));
    const kill = evidence.kills.find((one) => losesTurns(one) && one.at >= begun && one.at <= at && one.at > from);
    from = kill?.at ?? from;
    // What a person wants to be asked once more is.
    const [retry] = kill === undefined ? retries : [];
    if (retry !== undefined) retries.delete(retry);
    return when(
      kill === undefined && retry === undefined,
      () => `the model was asked ${askings.length} times, no kill explains number ${index + 2}`,
    );
  });
}

/** What is written down as answered is not asked again. */
function askedAfterAnswer(one: Case): string[] {
  const { message, evidence } = one;
  const retries = retriesOf(one).size;
  if (retries > 0) return askedAfterAll(one, retries);
  const answered = evidence.passings.find(
    ({ boundary, eventId }) => boundary === "final-committed" && eventId === message.eventId,
  )?.at;
  if (answered === undefined) return [];
  const askings = askingsOf(message, evidence);
  const late = askings.filter(({ at }) => at > answered);
  const begunLate = late.length === askings.length && sentAndStopped(one, answered) ? 1 : 0;
  return late
    .slice(begunLate)
    .map(({ at }) => `the model was asked again ${at - answered} ms after its answer was written down`);
}

/**
 * Letta begins late with what it was sent: a person may have stopped the turn by then, and a new process, which finds
 * nothing of it in Letta, has nothing to cancel.
 */
function sentAndStopped(one: Case, before: number): boolean {
  return inputsSent(one, before) > 0 && one.endings.some((ending) => isStopped(ending, one));
}

/** How many inputs were sent to Letta for the message before that time, each counted once. */
function inputsSent({ message, evidence }: Case, before: number): number {
  const sent = evidence.inputs.filter(
    ({ what, eventId, at }) => what === "ask" && eventId === message.eventId && at < before,
  );
  return new Set(sent.map(({ otid }) => otid)).size;
}

/** Nor when as many turns as people wanted are over. */
function askedAfterAll(one: Case, retries: number): string[] {
  const { message, evidence } = one;
  const ended = evidence.passings.filter(
    ({ boundary, eventId }) => boundary === "acknowledged" && eventId === message.eventId,
  );
  const askings = askingsOf(message, evidence);
  const late = askings.filter((asking) => ended.filter(({ at }) => at < asking.at).length > retries);
  const [first] = late;
  // Each input is begun once: where there are as many, what comes late is the last of them.
  const isBegunLate =
    first !== undefined && askings.length <= inputsSent(one, first.at) && sentAndStopped(one, first.at);
  return late.slice(isBegunLate ? 1 : 0).map(() => `the model was asked again after ${retries + 1} turns`);
}

/** An input that Letta has taken is not sent again under the same id unless Letta's history turns out not to know it. */
function acceptedTwice({ message, evidence }: Case): string[] {
  const { acceptances, inputs } = evidence;
  const byOtid = Map.groupBy(
    acceptances.filter(({ eventId }) => eventId === message.eventId),
    ({ otid }) => otid,
  );
  return [...byOtid].flatMap(([otid, accepted]) => {
    const unknown = inputs.filter(
      (input) => input.otid === otid && input.what === "fate" && input.detail === "unknown",
    );
    return accepted
      .slice(1)
      .filter(({ at }, index) => !unknown.some((told) => told.at >= (accepted[index]?.at ?? 0) && told.at <= at))
      .map(() => `Letta accepted it again under the same id ${otid}, and was not asked what became of it before`);
  });
}

/** Whether the homeserver was killed between what is first and last known of the message. */
function homeserverWasAway({ eventId }: SentMessage, { passings, kills }: RoomEvidence): boolean {
  const known = passings.filter((passing) => passing.eventId === eventId).map(({ at }) => at);
  const [from, to] = [Math.min(...known), Math.max(...known)];
  return kills.some(({ kind, at }) => (kind === "synapse" || kind === "all") && at >= from && at <= to);
}

function losesTurns({ kind }: Kill): boolean {
  return kind !== "synapse";
}
