import type { TurnInput } from "../../machines/conversation/context.ts";
import { causeOf, type Question } from "../../machines/question.ts";
import type { Content, MatrixClient } from "../../matrix/port.ts";
import { transactionId } from "../../matrix/transaction-id.ts";
import type { Sessions } from "../sessions.ts";
import { draftContent, draftEdit } from "./content.ts";

/** What one turn sends into its room. Each event is named by the question and its place in the answer. */
export class RoomTurn {
  readonly client: MatrixClient;
  readonly #input: TurnInput;
  readonly #signal: AbortSignal;

  constructor(sessions: Sessions, input: TurnInput, signal: AbortSignal) {
    this.client = sessions.as(input.userId).at("answer");
    this.#input = input;
    this.#signal = signal;
  }

  get question(): Question {
    return this.#input.turn.question;
  }

  get attempt(): number {
    return this.#input.turn.attempt;
  }

  /** The first draft has the same name in every attempt: sending it again gives the event that stands there. */
  sendDraft(text: string): Promise<string> {
    const { question, attempt } = this.#input.turn;
    return this.#send("draft", draftContent(question, attempt, text), this.client.at("conversation"));
  }

  /** Named by how far it shows the answer: counted, a restarted process would begin with names that were used before. */
  async editDraft(draft: string, text: string): Promise<void> {
    const { question, attempt } = this.#input.turn;
    const content = draftEdit(question, attempt, text, draft);
    await this.#send(`draft/${attempt}/${text.length}`, content, this.client.at("conversation"));
  }

  send(part: string, content: Content): Promise<string> {
    return this.#send(part, content, this.client);
  }

  async redact(eventId: string): Promise<void> {
    const { roomId } = this.#input;
    await this.client.redact(roomId, eventId, this.#name("m.room.redaction", "draft"), this.#signal);
  }

  #send(part: string, content: Content, client: MatrixClient): Promise<string> {
    const name = this.#name("m.room.message", part);
    return client.send(this.#input.roomId, "m.room.message", name, content, this.#signal);
  }

  #name(type: string, part: string): string {
    const { userId: agent, roomId: room, turn } = this.#input;
    return transactionId({ agent, room, type, cause: causeOf(turn.question), part });
  }
}
