import { hash } from "node:crypto";

/** What makes a message the same message: whoever sends it again for the same cause gives it the same name. */
export interface MessageName {
  /** The sending agent. Servers differ in whether they tell users or rooms apart, so both are in the id. */
  readonly agent: string;
  readonly room: string;
  /** The event type. */
  readonly type: string;
  /** What it answers: a Matrix event id or a command id, with whatever tells attempts apart where they differ. */
  readonly cause: string;
  /** Which of the messages with this cause: a draft, the n-th edit, the final's n-th part. */
  readonly part: string;
}

/** A transaction id that fits into a URL as it is. The same name gives the same id, in any process, at any time. */
export function transactionId(name: MessageName): string {
  return hash("sha256", JSON.stringify([name.agent, name.room, name.type, name.cause, name.part]), "base64url");
}
