import { randomUUID } from "node:crypto";
import { ServedTools } from "./served-tools.ts";
import type { Agent, Conversation } from "./state.ts";
import { type Decision, type End, type Input, type LoopOptions, Turn } from "./turn.ts";

export interface RuntimeOptions extends LoopOptions {
  /** How long a receipt that was told is told to nobody, ms. */
  readonly leaseMs: number;
}

export interface Listener {
  send(frame: object): void;
}

/** What came of an input. */
export type Taken =
  | { readonly accepted: true; readonly disposition: "started" | "queued" }
  | { readonly accepted: false; readonly error: string };

const refused: Taken = { accepted: false, error: "Input was rejected by the queue or durable ledger" };
const started: Taken = { accepted: true, disposition: "started" };
const queued: Taken = { accepted: true, disposition: "queued" };

/** One agent in one conversation, as long as the server lives. */
export class Runtime {
  readonly conversation: Conversation;
  readonly served = new ServedTools();
  readonly #agent: Agent;
  readonly #options: RuntimeOptions;
  readonly #name: object;
  readonly #listeners = new Set<Listener>();
  #queue: Input[] = [];
  #turn: Turn | undefined;
  /** The run that the conversation is held by. */
  #heldBy: string | undefined;
  #interrupted = false;

  constructor(agent: Agent, conversation: Conversation, name: object, options: RuntimeOptions) {
    this.#agent = agent;
    this.conversation = conversation;
    this.#name = name;
    this.#options = options;
  }

  get busy(): boolean {
    return this.#turn !== undefined || this.#queue.length > 0;
  }

  join(listener: Listener): void {
    this.#listeners.add(listener);
    const { receiptsAreKept, receiptsAreLeased } = this.#options.oddities;
    for (const receipt of receiptsAreKept ? this.conversation.receipts : []) {
      if (receiptsAreLeased && performance.now() - receipt.toldAt < this.#options.leaseMs) continue;
      receipt.toldAt = performance.now();
      listener.send(receipt.frame);
    }
    if (this.#turn === undefined) listener.send(this.#framed(idle));
  }

  leave(listener: Listener): void {
    this.served.leave(listener);
    if (!this.#listeners.delete(listener) || this.#listeners.size > 0) return;
    const { turnsDieWithTheirSocket, cutTurnsHold } = this.#options.oddities;
    if (!turnsDieWithTheirSocket || this.#turn === undefined) return;
    if (cutTurnsHold) this.#heldBy = this.#turn.runId;
    this.#turn.cut();
    this.#turn = undefined;
    this.#queue = [];
  }

  take(input: Input): Taken {
    const { namedRepeatsAreSwallowed, unnamedRepeatsRun, unnamedAreRefusedWhileBusy, interruptedTakesNothing } =
      this.#options.oddities;
    const isNamed = input.messages.every(({ named }) => named);
    const isRepeat = input.messages.some(({ otid }) => this.conversation.finished.has(otid));
    if (isRepeat && (isNamed ? namedRepeatsAreSwallowed : !unnamedRepeatsRun)) return started;
    if (this.#interrupted && interruptedTakesNothing) return refused;
    if (this.#turn !== undefined && !isNamed && unnamedAreRefusedWhileBusy) return refused;
    this.#queue.push(input);
    if (this.#turn !== undefined) return queued;
    // After the word that it was accepted.
    setImmediate(() => this.#next());
    return started;
  }

  decide(requestId: string, decision: Decision): Taken {
    return this.#turn?.decide(requestId, decision) === true ? started : { accepted: false, error: "no such request" };
  }

  abort(): boolean {
    if (this.#turn === undefined) return false;
    this.#interrupted = true;
    this.#turn.abort();
    if (this.#options.oddities.abortedIsCalledIdle) this.#say(idle);
    return true;
  }

  resume(): void {
    this.#interrupted = false;
    if (this.#turn === undefined) this.#next();
  }

  acknowledge(key: string): void {
    const { receipts } = this.conversation;
    const index = receipts.findIndex(({ frame }) => frame.idempotency_key === key);
    if (index >= 0) receipts.splice(index, 1);
  }

  #next(): void {
    const first = this.#queue.shift();
    if (first === undefined || this.#turn !== undefined) return;
    const others = this.#options.oddities.namedCoalesce ? this.#queue.splice(0) : [];
    const inputs = [first, ...others];
    const turn = new Turn(
      this.#agent,
      this.conversation,
      {
        messages: inputs.flatMap(({ messages }) => messages),
        consumers: inputs.flatMap(({ consumers }) => consumers),
        tools: first.tools,
        scopes: first.scopes,
      },
      (frame) => {
        if (this.#turn === turn) this.#say(frame);
      },
      (call) => this.served.call(call, first.scopes, this.#name),
      this.#options,
    );
    this.#turn = turn;
    this.#say({ type: "update_loop_status", loop_status: { status: "SENDING_API_REQUEST" } });
    const held: End = {
      stopReason: "error",
      error: `Conversation ${this.conversation.id} already has an active run (${this.#heldBy})`,
    };
    const working = this.#heldBy === undefined ? turn.work() : Promise.resolve(held);
    void working.then(
      (end) => this.#end(turn, end),
      (error: unknown) => this.#end(turn, { stopReason: "error", error: String(error) }),
    );
  }

  #end(turn: Turn, end: End | undefined): void {
    if (end === undefined || this.#options.life.aborted || this.#turn !== turn) return;
    this.#turn = undefined;
    for (const { otid } of turn.input.messages) this.conversation.finished.add(otid);
    this.#say(idle);
    const frame = this.#framed({
      type: "turn_finished",
      stop_reason: end.stopReason,
      ...(end.error === undefined ? {} : { error: end.error }),
      terminal_consumer_ids: turn.input.consumers,
      idempotency_key: `turn_finished:${randomUUID()}`,
    });
    this.conversation.receipts.push({ frame, toldAt: performance.now() });
    for (const listener of this.#listeners) listener.send(frame);
    if (!this.#interrupted) this.#next();
  }

  #say(frame: object): void {
    for (const listener of this.#listeners) listener.send(this.#framed(frame));
  }

  #framed<Frame extends object>(frame: Frame): Frame & { readonly runtime: object } {
    return { ...frame, runtime: this.#name };
  }
}

const idle = { type: "update_loop_status", loop_status: { status: "WAITING_ON_INPUT", active_run_ids: [] } };
