/** What people say in a run, and what is known of it. */

export interface Place {
  /** The message it answers, as an index into the messages of its room; missing on the main timeline. */
  readonly after: number;
  readonly kind: "reply" | "thread";
}

/** What somebody commands after a message, ms after what was said last in that room. */
export interface PlannedCommand {
  readonly name: "stop" | "retry";
  readonly after: number;
}

/** A command that stands in its room. */
export interface SaidCommand {
  readonly name: PlannedCommand["name"] | "approve" | "deny";
  readonly roomId: string;
  readonly eventId: string;
  /** When it was said, ms since 1970. */
  readonly at: number;
}

export const decisions = ["✅", "approve", "❌", "deny"] as const;
export type Decision = (typeof decisions)[number];

/** A message as planned, before anybody has sent it. */
export interface PlannedMessage {
  readonly nonce: string;
  /** Index of the agent in whose room it stands. */
  readonly agent: number;
  /** Index of the person who writes it. */
  readonly person: number;
  /** Directives for the stand-in model, the nonce excepted. */
  readonly directives: string;
  readonly place?: Place;
  /** The nonce of an edit that follows at once, most likely while the message is still queued. */
  readonly edited?: string;
  /** The agent answers that it wants to say nothing. */
  readonly silent: boolean;
  readonly commands?: readonly PlannedCommand[];
  /** The turn runs a tool that leaves a trace outside. */
  readonly usesTool: boolean;
  /** What people say of that, where they are asked: with a sign on the request, or with a word. */
  readonly decision?: Decision;
}

/** A message that stands in its room. */
export interface SentMessage extends PlannedMessage {
  readonly roomId: string;
  readonly eventId: string;
  /** The message it answers. */
  readonly inReplyTo?: string;
  /** The root of its thread. */
  readonly thread?: string;
  /** The event of its edit. */
  readonly editId?: string;
}

/** The text that a person writes for it. */
export function bodyOf({ directives }: PlannedMessage, nonce: string): string {
  return `Tell me about ${nonce}, please. [[nonce=${nonce}]]${directives}`;
}
