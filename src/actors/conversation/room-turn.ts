import type { TurnInput } from "../../machines/conversation/context.ts";
import { causeOf, type Question } from "../../machines/question.ts";
import { type Content, type MatrixClient, MatrixError } from "../../matrix/port.ts";
import { transactionId } from "../../matrix/transaction-id.ts";
import { findSaid, type Saying, say, sayOnce } from "../said.ts";
import type { Sessions } from "../sessions.ts";
import { draftContent, draftEdit } from "./content.ts";

/** The homeserver's answers that tell that it has not taken a message. */
const refusals: ReadonlySet<string> = new Set(["limited", "token", "forbidden", "too-large", "refused"]);

/** What one turn sends into its room. Each event is named by the question and its place in the answer. */
export class RoomTurn {
  readonly client: MatrixClient;
  readonly #input: TurnInput;
  readonly #signal: AbortSignal;
  readonly #isRepeated: boolean;
  /** Parts that the homeserver may have taken without our having heard so. */
  readonly #uncertain = new Set<string>();

  /** `restarted`: an earlier process or incarnation may have sent some of it. */
  constructor(sessions: Sessions, input: TurnInput, signal: AbortSignal, restarted: boolean) {
    const { tries, question } = input.turn;
    this.client = sessions.as(input.userId).at("answer");
    this.#input = input;
    this.#signal = signal;
    this.#isRepeated = restarted || tries > 0 || question.maybeAsked === true;
  }

  get question(): Question {
    return this.#input.turn.question;
  }

  get attempt(): number {
    return this.#input.turn.attempt;
  }

  /** The first draft has the same name in every attempt: there is one, whoever sends it again. */
  sendDraft(text: string): Promise<string> {
    const { question, attempt, drafting } = this.#input.turn;
    const content = draftContent(question, attempt, text);
    return this.#send("draft", content, this.client.at("conversation"), drafting);
  }

  /** The first draft's event id, where it is not known here: sending it again gives the id, or an earlier store sent it. */
  async findDraft(): Promise<string | undefined> {
    const { question, drafting } = this.#input.turn;
    if (drafting) return await this.sendDraft("…");
    if (question.maybeAsked !== true) return undefined;
    const { roomId } = this.#input;
    const saying = { roomId, txnId: this.#name("m.room.message", "draft"), after: question.eventId };
    return await findSaid(this.client, saying, this.#signal);
  }

  /**
   * Named by how far it shows the answer: counted, a restarted process would begin with names that were used before. Of
   * an edit that stands there twice nobody sees anything.
   */
  async editDraft(draft: string, text: string): Promise<void> {
    const { question, attempt } = this.#input.turn;
    const content = draftEdit(question, attempt, text, draft);
    await say(this.client.at("conversation"), this.#saying(`draft/${attempt}/${text.length}`, content), this.#signal);
  }

  /** `mayStand`: whatever else is known, it may have been sent before. */
  send(part: string, content: Content, mayStand = false): Promise<string> {
    return this.#send(part, content, this.client, mayStand);
  }

  async redact(eventId: string): Promise<void> {
    const { roomId } = this.#input;
    await this.client.redact(roomId, eventId, this.#name("m.room.redaction", "draft"), this.#signal);
  }

  async #send(part: string, content: Content, client: MatrixClient, mayStand: boolean): Promise<string> {
    const saying = this.#saying(part, content);
    const mayBeSaid = mayStand || this.#isRepeated || this.#uncertain.has(part);
    try {
      return await (mayBeSaid ? sayOnce : say)(client, saying, this.#signal);
    } catch (error) {
      if (!(error instanceof MatrixError && refusals.has(error.kind))) this.#uncertain.add(part);
      throw error;
    }
  }

  #saying(part: string, content: Content): Saying {
    const { roomId, turn } = this.#input;
    return { roomId, txnId: this.#name("m.room.message", part), content, after: turn.question.eventId };
  }

  #name(type: string, part: string): string {
    const { userId: agent, roomId: room, turn } = this.#input;
    return transactionId({ agent, room, type, cause: causeOf(turn.question), part });
  }
}
