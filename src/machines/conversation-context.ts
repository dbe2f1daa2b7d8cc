import type { Answer, Question } from "./question.ts";
import type { Wait } from "./wait.ts";

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
  readonly answer?: Answer;
  /** When the answer was ready to be sent, ms since the epoch. */
  readonly answeredAt?: number;
}

export interface ConversationContext extends ConversationInput {
  /** Letta's conversation; known once it has been opened. */
  readonly conversationId?: string | undefined;
  readonly queue: readonly Question[];
  readonly current?: Turn | undefined;
  /** Why nothing can be answered any more: the agent is gone. */
  readonly closed?: string | undefined;
  readonly wait?: Wait | undefined;
}

export type ConversationEvent =
  | { readonly type: "MESSAGE"; readonly question: Question }
  | { readonly type: "EDITED"; readonly edits: string; readonly sender: string; readonly text: string }
  /** More was said since the cursor `gap` than was read. */
  | { readonly type: "CUT"; readonly gap: string }
  /** The agent is gone: whoever waits for an answer is told so. Whatever comes after that means that it is back. */
  | { readonly type: "CLOSE"; readonly reason: string }
  /** A draft is about to be sent. */
  | { readonly type: "DRAFTING" }
  | { readonly type: "DRAFTED"; readonly eventId: string }
  /** A tool call of the running turn is about to be approved. */
  | { readonly type: "TOOL_APPROVED"; readonly tool: string }
  | { readonly type: "deadLetter"; readonly letter: { readonly type: string; readonly question?: Question } };

/** Where the effects find what they work on. */
export interface TurnInput {
  readonly agentId: string;
  readonly userId: string;
  readonly roomId: string;
  readonly conversationId: string;
  readonly turn: Turn;
}

export function turnInput({ agentId, userId, roomId, conversationId = "", current }: ConversationContext): TurnInput {
  if (current === undefined) throw new Error("no question is being answered");
  return { agentId, userId, roomId, conversationId, turn: current };
}
