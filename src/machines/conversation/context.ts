import type { Answer, Command, Question, Returned } from "../question.ts";
import type { Wait } from "../wait.ts";

/** What the conversation chart keeps, and what it is told. */

export interface ConversationInput {
  readonly agentId: string;
  readonly userId: string;
  readonly roomId: string;
}

/** The question being answered, and how far that has come. */
export interface Turn {
  readonly question: Question;
  /** Names the input at Letta, together with the question: a new one only when the last is known to have left nothing. */
  readonly attempt: number;
  /** Failed tries since something last went well. */
  readonly tries: number;
  /** Tries of this turn that found somebody else's turn running. */
  readonly busyTries: number;
  /** Times that this turn has gone on in another conversation of Letta's. */
  readonly moves: number;
  readonly retryAfterMs?: number;
  /** True before the first draft is sent: from then on one may stand in the room. */
  readonly drafting: boolean;
  readonly draft?: string;
  /** True before the first tool call is approved: from then on the attempt must not be repeated. */
  readonly toolApproved: boolean;
  /** Letta had never had this turn when it was asked from here: whatever ran in it, was asked about here. */
  readonly askedHere?: true | undefined;
  /** A person wants it stopped. */
  readonly stopping?: true;
  /** The last tool call that a person was asked about, while nobody has decided. */
  readonly approval?: Approval | undefined;
  /** The last one that was decided: its request in the room may not say so yet. */
  readonly decided?: Approval | undefined;
  /** Through how many agents has come what others have told it meanwhile, at the most. */
  readonly heardHops?: number;
  readonly answer?: Answer;
  /** When the answer was ready to be sent, ms since the epoch. */
  readonly answeredAt?: number;
}

/** A tool call that waits for a person. */
export interface Approval {
  /** Letta's id of the request for this call. */
  readonly callId: string;
  readonly attempt: number;
  readonly tool: string;
  /** What the room was told. */
  readonly text: string;
  /** The request in the room, once it stands there. */
  readonly eventId?: string;
}

export interface ConversationContext extends ConversationInput {
  /** Letta's conversation; known once it has been opened. */
  readonly conversationId?: string | undefined;
  readonly queue: readonly Question[];
  readonly current?: Turn | undefined;
  /** The last question, if it ended with an error or was stopped. */
  readonly failed?: Question | undefined;
  /** What the agent has asked others while it answered here, and has not heard of, the oldest first. */
  readonly asked?: readonly Asked[];
  /** The agent was paused when this was last heard of it: before the next question it is looked whether it still is. */
  readonly paused?: true | undefined;
  /** Why nothing can be answered any more: the agent is gone. */
  readonly closed?: string | undefined;
  readonly wait?: Wait | undefined;
}

export type ConversationEvent =
  /** With `replay`, an operator has it asked once more that has been lost, and the room told so. */
  | { readonly type: "MESSAGE"; readonly question: Question; readonly replay?: string }
  /** The agent is about to ask another one, while it answers `about`. */
  | ({ readonly type: "ASKING" } & Asked)
  /** It has been told how that ended, and through how many agents that has come, or that it was not asked. */
  | { readonly type: "HEARD"; readonly key: string; readonly hops?: number }
  | AnswerReturned
  | { readonly type: "EDITED"; readonly edits: string; readonly sender: string; readonly text: string }
  /** More was said since the cursor `gap` than was read. */
  | { readonly type: "CUT"; readonly gap: string }
  /** The agent is gone: whoever waits for an answer is told so. Whatever comes after that means that it is back. */
  | { readonly type: "CLOSE"; readonly reason: string }
  /** The agent is to ask Letta nothing; and may again. */
  | { readonly type: "PAUSED" | "RESUMED" }
  | { readonly type: "STOP" | "RETRY" | "APPROVE" | "DENY"; readonly command: Command }
  /** A command of somebody who may not give any. */
  | { readonly type: "UNPERMITTED"; readonly command: Command }
  /** A draft is about to be sent. */
  | { readonly type: "DRAFTING" }
  | { readonly type: "DRAFTED"; readonly eventId: string }
  /** Letta is about to have this turn for the first time, whatever an earlier store of ours may have done. */
  | { readonly type: "ASKED_HERE" }
  /** A tool call of the running turn is about to be approved. */
  | { readonly type: "TOOL_APPROVED"; readonly tool: string }
  /** A tool call of the running turn needs a person's approval. */
  | { readonly type: "APPROVAL_WANTED"; readonly approval: Approval }
  | { readonly type: "APPROVAL_SHOWN"; readonly eventId: string }
  /** The store comes from a backup: what happened since it was made, nobody knows here. */
  | { readonly type: "restored"; readonly store: string }
  | { readonly type: "deadLetter"; readonly letter: { readonly type: string; readonly question?: Question } };

/** What the agent has asked another one. */
export interface Asked {
  readonly key: string;
  /** Of the one that is asked. */
  readonly name?: string;
  readonly about: Pick<Question, "eventId" | "sender" | "thread">;
}

/** What another agent has answered, or why it has not. */
export interface AnswerReturned {
  readonly type: "RETURNED";
  readonly key: string;
  readonly from: { readonly agentId: string; readonly hops: number };
  readonly returned: Returned;
  readonly text: string;
}

/** Nothing waits for a decision any more. */
export function decided({ current }: ConversationContext): Partial<Turn> {
  return { approval: undefined, decided: current?.approval };
}

/** One short notice. */
export interface Remark {
  readonly userId: string;
  readonly roomId: string;
  /** What it is said to. */
  readonly to: Pick<Command, "eventId" | "thread">;
  readonly text: string;
}

export function remark({ userId, roomId }: ConversationInput, to: Remark["to"], text: string): Remark {
  return { userId, roomId, to, text };
}

/** What is owed next. */
export function firstOf({ queue, current }: ConversationContext): Question {
  const first = current?.question ?? queue[0];
  if (first === undefined) throw new Error("nothing is owed");
  return first;
}

/** Where the effects find what they work on. */
export interface TurnInput {
  readonly agentId: string;
  readonly userId: string;
  readonly roomId: string;
  readonly conversationId: string;
  readonly turn: Turn;
}

/** Questions whose answers may stand in the room already. */
export interface RecallInput {
  readonly userId: string;
  readonly roomId: string;
  readonly questions: readonly Question[];
}

export function recallInput({ userId, roomId, queue, current }: ConversationContext): RecallInput {
  return { userId, roomId, questions: [...(current === undefined ? [] : [current.question]), ...queue] };
}

export function turnInput({ agentId, userId, roomId, conversationId = "", current }: ConversationContext): TurnInput {
  if (current === undefined) throw new Error("no question is being answered");
  return { agentId, userId, roomId, conversationId, turn: current };
}
