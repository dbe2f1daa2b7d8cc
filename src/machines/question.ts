/** A person's message to an agent, as the agent's intake understood it. */
export interface Question {
  readonly eventId: string;
  readonly sender: string;
  /** Milliseconds since the epoch, by the sender's homeserver. */
  readonly sentAt: number;
  readonly text: string;
  /** Set when the message is something that the agent cannot read, in words ("an image"); `text` is then empty. */
  readonly unreadable?: string;
  /** The thread it stands in, by its root event. */
  readonly thread?: string;
  /** The message it answers. */
  readonly inReplyTo?: string;
  readonly mentioned: boolean;
  /** Set when an agent asks it, or has answered. */
  readonly from?: AskingAgent;
  /** Set when it is no message of this room, but what `from` has answered: the message named above is what it was asked for. */
  readonly returned?: Returned;
  /** Set when an earlier store of ours, lost by now, may have asked it already. */
  readonly maybeAsked?: true;
  /** Set when it is asked once more: the command or the replay that wants it, by which everything about it is named then. */
  readonly retry?: string;
}

/** An agent that asks another one. */
export interface AskingAgent {
  readonly agentId: string;
  readonly name?: string;
  /** How many agents have passed on what this came of, itself included. */
  readonly hops: number;
  /** Where it wants the answer, besides the room in which it asks. */
  readonly replyTo?: ReplyTo;
}

/** The conversation in which an agent was when it asked another one. */
export interface ReplyTo {
  readonly roomId: string;
  /** Names what was asked, there. */
  readonly key: string;
}

/** How another agent has answered: `silence` is not wanting to. */
export interface Returned {
  readonly userId: string;
  readonly outcome: Answer["outcome"] | "silence";
}

/** What the ids of everything that leaves us for this question are made of. */
export function causeOf({ eventId, retry }: Question): string {
  return retry ?? eventId;
}

/** What a person says to an agent about its work, instead of asking it something. */
export interface Command {
  readonly name: "stop" | "retry" | "approve" | "deny";
  readonly eventId: string;
  readonly sender: string;
  readonly thread?: string;
  /** Set for a reaction: the event that it stands on. */
  readonly reactionTo?: string;
  /** Whether this person may say it. */
  readonly permitted: boolean;
}

/** What the intake makes of a room's timeline. */
export type Heard =
  | { readonly kind: "question"; readonly roomId: string; readonly question: Question }
  | {
      readonly kind: "edit";
      readonly roomId: string;
      readonly eventId: string;
      readonly edits: string;
      /** Who edits: another person's message is not theirs to change. */
      readonly sender: string;
      readonly text: string;
    }
  | { readonly kind: "command"; readonly roomId: string; readonly command: Command }
  /** More was said since the cursor `gap` (or the first look) than can be read back. */
  | { readonly kind: "cut"; readonly roomId: string; readonly gap: string };

/** Whether it is said to the agent. An edit, or a sign, is about what was said before, and may be about anything. */
export function isAddressed(heard: Heard): boolean {
  return heard.kind !== "edit" && !(heard.kind === "command" && heard.command.reactionTo !== undefined);
}

/** How a turn ended, as the person is told. */
export interface Answer {
  readonly outcome: "answer" | "error";
  readonly text: string;
}
