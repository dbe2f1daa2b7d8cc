import type { TurnRequest } from "../port.ts";
import { untold } from "../stop-reason.ts";
import type { StartTimer } from "../timer.ts";
import { EventQueue } from "./event-queue.ts";
import { type ControlRequest, type Delta, delta, deltaTypes, type RuntimeFrame } from "./frames.ts";

/** What the frames of one turn come to, in their order. */
export type TurnItem =
  | { readonly type: "text"; readonly messageId: string; readonly delta: string }
  | { readonly type: "withdrawn"; readonly messageId: string }
  | { readonly type: "permission"; readonly control: ControlRequest }
  | { readonly type: "end"; readonly stopReason: string; readonly error?: string };

/** Letta's word for a conversation in which no turn is running. */
export const idleStatus = "WAITING_ON_INPUT";

/** How long after the model's last word Letta may take to say that the turn has ended, ms. */
const endWithinMs = 5_000;

export interface TurnOptions {
  readonly startTimer: StartTimer;
  /** The turn was begun over another connection: how it ends is then told only by what all connections hear. */
  readonly adopted?: boolean;
}

/** Makes one turn of ours out of the frames of its runtime. */
export class Turn {
  /** Who asks for it now; another object with the same otid when the turn is followed. */
  request: TurnRequest;
  /** It said nothing for so long that whoever asked it stopped watching. */
  silent = false;
  readonly queue: EventQueue<TurnItem>;
  readonly #options: TurnOptions;
  /** Of each run the messages that it wrote: they are void when the run fails and is repeated. */
  readonly #written = new Map<string, Set<string>>();
  #accepted: boolean;
  readonly #over = new AbortController();
  #ended = false;
  #stopReason: string | undefined;
  #trouble: string | undefined;
  #cancelEnd = () => {};

  constructor(request: TurnRequest, options: TurnOptions) {
    this.request = request;
    this.#options = options;
    this.queue = new EventQueue(options.startTimer);
    this.#accepted = this.adopted;
  }

  get otid(): string {
    return this.request.otid;
  }

  /** It was begun over another connection, which may be gone by now. */
  get adopted(): boolean {
    return this.#options.adopted === true;
  }

  /** Aborted when the turn has ended. */
  get over(): AbortSignal {
    return this.#over.signal;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** The input was taken; the frames that follow on the socket are this turn's. */
  accept(): void {
    this.#accepted = true;
  }

  handle(frame: RuntimeFrame): void {
    if (!this.#accepted || this.#ended) return;
    this.queue.touch();
    switch (frame.type) {
      case "stream_delta":
        if (deltaTypes.has(frame.delta.message_type)) this.#delta(delta.safeParse(frame.delta).data);
        break;
      case "control_request":
        this.queue.push({ type: "permission", control: frame });
        break;
      case "turn_finished":
        if (frame.terminal_consumer_ids?.includes(this.otid) ?? true) this.#end(frame.stop_reason, frame.error);
        break;
      case "update_loop_status":
        if (frame.loop_status.status !== idleStatus) this.#cancelEnd();
        else if (this.adopted) this.#end(this.#stopReason ?? untold);
        break;
      case "input_accepted":
      case "external_tool_call_request":
        break;
    }
  }

  /** The connection is gone, so no end will be heard of. */
  lose(error: Error): void {
    this.#ended = true;
    this.#cancelEnd();
    this.queue.fail(error);
    this.#over.abort();
  }

  #delta(part: Delta | undefined): void {
    if (part !== undefined) this.#cancelEnd();
    switch (part?.message_type) {
      case "assistant_message":
        this.#text(part.id, part.run_id, part.content);
        break;
      case "retry":
        this.#withdraw(part.run_id);
        break;
      case "error_message":
      case "loop_error":
        // The first one is the model's own wording, the others wrap it.
        this.#trouble ??= part.message;
        break;
      case "stop_reason":
        this.#stopReason = part.stop_reason;
        if (part.stop_reason === "end_turn") this.#expectEnd();
        break;
      case undefined:
        break;
    }
  }

  #text(messageId: string, run: string | undefined, text: string): void {
    if (text === "") return;
    if (run !== undefined) {
      const written = this.#written.get(run) ?? new Set();
      this.#written.set(run, written.add(messageId));
    }
    this.queue.push({ type: "text", messageId, delta: text });
  }

  #withdraw(run: string | undefined): void {
    this.#trouble = undefined;
    for (const messageId of (run === undefined ? undefined : this.#written.get(run)) ?? []) {
      this.queue.push({ type: "withdrawn", messageId });
    }
  }

  /** Letta owes one word more after it. It stays away when Letta could not write its receipt. */
  #expectEnd(): void {
    this.#cancelEnd = this.#options.startTimer(endWithinMs, () => this.#end("end_turn"));
  }

  #end(stopReason: string, error?: string): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#cancelEnd();
    const text = this.#trouble ?? error;
    this.queue.push({ type: "end", stopReason, ...(text === undefined ? {} : { error: text }) });
    this.#over.abort();
  }
}
