import { createHash } from "node:crypto";
import { type Conversation, LettaError, type TurnEvent, type TurnRequest } from "../port.ts";
import { cancelled, isAnswer } from "../stop-reason.ts";
import { sleep } from "../timer.ts";
import type { ToolPolicy } from "../tools.ts";
import { unlessAborted } from "../unless-aborted.ts";
import type { FrameStream, Input, RestApi } from "./api.ts";
import { busy, cut, failed, modelsWords, Occupied } from "./errors.ts";
import { callsIn, type Frame, type ToolCall } from "./frames.ts";
import { readTurn } from "./history.ts";
import { heardIn, type WatchOptions } from "./watch.ts";

export interface TurnOptions extends WatchOptions {
  readonly api: RestApi;
  readonly policy: ToolPolicy;
  send(conversation: Conversation, input: Input, signal: AbortSignal): Promise<OpenTurn>;
}

/** What waits to be allowed. */
export interface Waiting {
  readonly waiting: readonly ToolCall[];
  /** The run that ended with it. */
  readonly runId?: string;
}

/** A turn's stream. One that runs in the background can be opened again where it was cut. */
export interface OpenTurn {
  readonly stream: FrameStream;
  readonly background: boolean;
}

interface RunEnd {
  readonly stopReason: string;
  readonly words?: string;
}

/** A stream is opened again this often without a new frame. */
const mostReopenings = 3;
const reopenAfterMs = 300;

/** Why a run ended whose tool call waits to be allowed. */
const waits = "requires_approval";

/** Follows one turn through its runs: a new one begins with each answer to a tool call that waits to be allowed. */
export class Turn {
  readonly #options: TurnOptions;
  readonly #request: TurnRequest;
  /** The run under way, once it was heard of. */
  runId: string | undefined;
  /** Aborted when nobody needs people's decisions any more; there only while something waits for one. */
  #asking: AbortController | undefined;
  readonly #known = new Set<string>();
  #waiting = new Map<string, ToolCall>();
  #seq = 0;

  constructor(request: TurnRequest, options: TurnOptions) {
    this.#request = request;
    this.#options = options;
  }

  /** Yields everything up to the end of the turn. */
  async *watch(opened: OpenTurn, signal: AbortSignal): AsyncGenerator<TurnEvent> {
    let now = opened;
    for (;;) {
      const { stopReason, words } = yield* this.#watchRun(now, signal);
      if (stopReason !== waits) {
        // In the background the refusal comes as the turn's own end.
        if (/waiting for approval/i.test(words ?? "")) throw new Occupied("approval", undefined);
        if (!isAnswer(stopReason)) throw failed(stopReason, words);
        yield { type: "finished", stopReason };
        return;
      }
      now = yield* this.decide(await this.#whatWaits(signal), signal);
    }
  }

  /** Whether a person was being asked, who need not decide any more. No call of this turn is allowed from here on. */
  callOff(): boolean {
    this.#asking?.abort();
    return this.#asking !== undefined;
  }

  /** People are shown what is stored: that is what would run. The stream has it only in pieces. */
  async #whatWaits(signal: AbortSignal): Promise<Waiting> {
    const heard = [...this.#waiting.values()];
    if (!heard.some(({ name }) => this.#options.policy.asks(name))) return { waiting: heard };
    const { conversation, otid } = this.#request;
    const record = await readTurn(this.#options.api, conversation, otid, signal);
    if (record === undefined || record.waiting.length === 0) throw busy("what a tool call wants cannot be read yet");
    return record;
  }

  /** Allows or denies the calls, and gives the turn's continuation. */
  async *decide({ waiting, runId }: Waiting, signal: AbortSignal): AsyncGenerator<TurnEvent, OpenTurn> {
    const { send } = this.#options;
    const asking = new AbortController();
    this.#asking = asking;
    const approvals = [];
    try {
      for (const call of waiting) {
        let denied = await this.#reasonAgainst(call, runId, asking.signal, signal);
        if (denied === undefined && !asking.signal.aborted) {
          await this.#request.beforeApproval(call.name).catch(() => {
            denied = "The approval could not be written down, so the tool was not run.";
          });
        }
        if (asking.signal.aborted) throw failed(cancelled, undefined);
        approvals.push(decision(call.id, denied));
        yield { type: "tool", name: call.name, outcome: denied === undefined ? "approved" : "denied" };
      }
      if (asking.signal.aborted) throw failed(cancelled, undefined);
    } finally {
      this.#asking = undefined;
    }
    this.#waiting = new Map();
    this.#seq = 0;
    const { conversation, otid } = this.#request;
    return await send(conversation, answerTo(otid, approvals), signal);
  }

  /** What speaks against the call, to be read by the model; a person may be asked for it, and take long. */
  async #reasonAgainst(
    { id, name, input }: ToolCall,
    runId: string | undefined,
    over: AbortSignal,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const { policy } = this.#options;
    if (policy.allows(name)) return undefined;
    if (!policy.asks(name) || this.#request.askPerson === undefined) return policy.reasonAgainst(name);
    // Models may use a call's id again; a run ends with the one that waits.
    const call = { id: `${runId ?? ""}/${id}`, name, input };
    const { allowed, reason } = await unlessAborted(
      this.#request.askPerson(call, AbortSignal.any([over, signal])),
      signal,
    );
    return allowed ? undefined : reason;
  }

  async *#watchRun(opened: OpenTurn, signal: AbortSignal): AsyncGenerator<TurnEvent, RunEnd> {
    let { stream } = opened;
    let reopened = 0;
    let stopReason: string | undefined;
    let words: string | undefined;
    for (;;) {
      try {
        for await (const { frame, runId, seq } of heardIn(stream, this.#options, signal)) {
          this.runId = runId ?? this.runId;
          if (seq !== undefined && seq > this.#seq) {
            this.#seq = seq;
            reopened = 0;
          }
          if (frame?.message_type === "stop_reason") stopReason = frame.stop_reason;
          else if (frame?.message_type === "error_message") words ??= modelsWords(frame);
          else if (frame !== undefined) yield* this.#events(frame);
        }
      } catch (error) {
        const isCut = error instanceof LettaError && error.kind === "unreachable";
        if (!isCut) throw error;
      }
      signal.throwIfAborted();
      if (words !== undefined) stopReason ??= "error";
      if (stopReason !== undefined) return { stopReason, ...(words === undefined ? {} : { words }) };
      reopened += 1;
      stream = await this.#reopen(opened, reopened, signal);
    }
  }

  async #reopen({ background }: OpenTurn, times: number, signal: AbortSignal): Promise<FrameStream> {
    const { api, startTimer, url } = this.#options;
    if (!background || this.runId === undefined || times > mostReopenings) throw cut(url);
    if (times > 1) await sleep(startTimer, reopenAfterMs, signal);
    const which = { run_id: this.runId, starting_after: this.#seq };
    const stream = await api.resume(this.#request.conversation, which, signal);
    if (stream === undefined) throw cut(url);
    return stream;
  }

  async *#events(frame: Frame): AsyncGenerator<TurnEvent> {
    switch (frame.message_type) {
      case "assistant_message":
        if (frame.content !== "") yield { type: "text", messageId: frame.id, delta: frame.content };
        return;
      case "approval_request_message":
        for (const call of callsIn(frame)) this.#waiting.set(call.id, call);
        return;
      case "tool_call_message":
        // The server runs it whatever we say; once it is written down, the turn is never repeated.
        for (const { id, name } of callsIn(frame)) {
          if (this.#known.has(id)) continue;
          this.#known.add(id);
          await this.#request.beforeApproval(name);
          yield { type: "tool", name, outcome: "approved" };
        }
    }
  }
}

type Approvals = Extract<Input, { type: "approval" }>["approvals"];

function decision(id: string, denied: string | undefined): Approvals[number] {
  const approve = denied === undefined;
  return { type: "approval", tool_call_id: id, approve, ...(denied === undefined ? {} : { reason: denied }) };
}

/** Named by what it answers, so that the same answer is never taken for another. */
export function answerTo(otid: string, approvals: Approvals): Input {
  const ids = approvals.map(({ tool_call_id }) => tool_call_id);
  return { type: "approval", otid: otidOfAnswer(otid, ids), approvals };
}

/** The same whatever was decided. */
export function otidOfAnswer(otid: string, callIds: readonly string[]): string {
  return uuidOf(`${otid} ${callIds.join(" ")}`);
}

export function denialOf(calls: readonly ToolCall[]): Input {
  const why = "The message that this call belonged to was given up.";
  return answerTo(
    "denied",
    calls.map(({ id }) => decision(id, why)),
  );
}

function uuidOf(text: string): string {
  const hex = createHash("sha256").update(text).digest("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), `5${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`, hex.slice(20, 32)].join(
    "-",
  );
}
