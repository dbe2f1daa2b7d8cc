import type { Conversation, LettaError } from "../port.ts";
import type { ControlRequest, RuntimeFrame, TurnFinished } from "./frames.ts";
import { idleStatus, type Turn } from "./turn.ts";

/** A turn's end is remembered this often per conversation; only the last one is ever asked for. */
const remembered = 8;

const approvalStatus = "WAITING_ON_APPROVAL";
const toolStatus = "EXECUTING_CLIENT_SIDE_TOOL";

/** What is known of one conversation from the frames of the present connection. */
export class Session {
  readonly conversation: Conversation;
  #status = idleStatus;
  #turn: { readonly turn: Turn; readonly requestId?: string } | undefined;
  /** What the running turn waits to be allowed, whosever turn it is. */
  #asking: ControlRequest | undefined;
  #lost: LettaError | undefined;
  readonly #ended = new Map<string, string>();
  readonly #told = new Set<string>();
  readonly #watchers = new Set<(frame: RuntimeFrame) => void>();

  constructor(conversation: Conversation) {
    this.conversation = conversation;
  }

  /** As commands name it. */
  get runtime(): { readonly agent_id: string; readonly conversation_id: string } {
    return { agent_id: this.conversation.agentId, conversation_id: this.conversation.conversationId };
  }

  /** No turn is running, of nobody. */
  get idle(): boolean {
    return this.#status === idleStatus;
  }

  /** A tool runs, which may take long and say nothing. */
  get runsTool(): boolean {
    return this.#status === toolStatus;
  }

  /** Our turn that is under way. */
  get turn(): Turn | undefined {
    return this.#turn?.turn.ended === false ? this.#turn.turn : undefined;
  }

  /**
   * From now on frames go to this turn; with the id of the request that asks for it, from its acceptance on. Throws what
   * ended the connection: over the next one nothing would be heard of the turn here.
   */
  begin(turn: Turn, requestId?: string): void {
    if (this.#lost !== undefined) throw this.#lost;
    this.#turn = { turn, ...(requestId === undefined ? {} : { requestId }) };
    // A turn that is followed may have asked before it was.
    if (requestId === undefined && this.#asking !== undefined) turn.handle(this.#asking);
  }

  /** The input was not taken: there is no such turn. */
  forget(turn: Turn): void {
    if (this.#turn?.turn === turn) this.#turn = undefined;
  }

  /** Why the turn of this message ended, when this connection was told so. */
  stopReason(otid: string): string | undefined {
    return this.#ended.get(otid);
  }

  remember(otid: string, stopReason: string): void {
    this.#ended.set(otid, stopReason);
    forgetOldest(this.#ended);
  }

  /** Calls back for each frame. Gives the function that ends this. */
  watch(watcher: (frame: RuntimeFrame) => void): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  handle(frame: RuntimeFrame): void {
    if (frame.type === "update_loop_status") {
      this.#status = frame.loop_status.status;
      if (this.#status !== approvalStatus) this.#asking = undefined;
    }
    if (frame.type === "control_request") this.#asking = frame;
    if (frame.type === "turn_finished" && !this.#isNews(frame)) return;
    if (frame.type === "input_accepted" && frame.accepted && frame.request_id === this.#turn?.requestId) {
      this.#turn.turn.accept();
    }
    this.#turn?.turn.handle(frame);
    for (const watcher of [...this.#watchers]) watcher(frame);
  }

  lose(error: LettaError): void {
    this.#lost = error;
    this.#turn?.turn.lose(error);
  }

  /** Letta tells the end of a turn again as long as it is not acknowledged. */
  #isNews({ terminal_consumer_ids: otids = [], stop_reason, idempotency_key: key }: TurnFinished): boolean {
    if (key !== undefined && this.#told.has(key)) return false;
    if (key !== undefined) this.#told.add(key);
    forgetOldest(this.#told);
    for (const otid of otids) this.remember(otid, stop_reason);
    return true;
  }
}

function forgetOldest(of: { readonly size: number; keys(): Iterable<string>; delete(key: string): boolean }): void {
  for (const oldest of of.keys()) {
    if (of.size <= remembered) return;
    of.delete(oldest);
  }
}
