import {
  type AgentKeys,
  type AgentModel,
  type AgentSummary,
  type AgentTools,
  type Conversation,
  type LettaAbilities,
  type LettaBackend,
  LettaError,
  type ModelInspector,
  type OfferedTools,
  type ToolAttacher,
  type ToolInspector,
  type TurnEvent,
  type TurnFate,
  type TurnRequest,
  type Utterance,
} from "../port.ts";
import { isAnswer } from "../stop-reason.ts";
import { type StartTimer, sleep, startTimer } from "../timer.ts";
import { ToolPolicy } from "../tools.ts";
import { type Input, RestApi } from "./api.ts";
import { Attachment } from "./attachment.ts";
import { busy, failed, NoBackground, Occupied, silent } from "./errors.ts";
import { ageOf, endOf, fateOf, type Look, trace } from "./fate.ts";
import type { ToolCall } from "./frames.ts";
import { readPast, waitingIn } from "./history.ts";
import { missingModels, ungatedTools } from "./inspection.ts";
import { denialOf, type OpenTurn, Turn } from "./turn.ts";
import { Quiet } from "./watch.ts";

export interface RestOptions {
  /** `https://api.letta.com`, or where a self-hosted server listens. */
  readonly url: string;
  readonly apiKey?: string;
  /** Tools that may run where the agent's settings have us asked, besides Letta's own memory tools, by name. */
  readonly toolAllowList: readonly string[];
  /** Of these people are asked, where the agent's settings have us asked. */
  readonly toolAskList?: readonly string[];
  /** A turn from which nothing comes for this long counts as silent, ms. */
  readonly idleTimeoutMs: number;
  /** How long the server lets a run lock its conversation: an older one that is silent has died with its server, ms. */
  readonly lockMs?: number;
  /** How long an answer's head may take, ms. */
  readonly timeoutMs?: number;
  /** The real one when left out. */
  readonly startTimer?: StartTimer;
}

/** Ends of turns that are remembered; only the last ones are ever asked for. */
const remembered = 500;
const defaultLockMs = 300_000;
const defaultTimeoutMs = 60_000;

/** The server tells a turn's end a moment before it frees the conversation, ms. */
const pauses = [50, 100, 200, 400, 800];
const lookAgainAfterMs = 1_000;

/** Those of Letta's servers; they are asked for only where an agent's settings want it. */
const memoryTools = [
  "memory",
  "memory_insert",
  "memory_replace",
  "memory_rethink",
  "memory_finish_edits",
  "core_memory_append",
  "core_memory_replace",
  "archival_memory_insert",
  "archival_memory_search",
  "conversation_search",
];

/** Letta's REST API: Letta Cloud, and self-hosted servers. Made for and tried with 0.16. */
export class RestBackend implements LettaBackend, ModelInspector, ToolInspector, ToolAttacher {
  readonly #api: RestApi;
  readonly #policy: ToolPolicy;
  readonly #startTimer: StartTimer;
  readonly #idleTimeoutMs: number;
  readonly #lockMs: number;
  readonly #attachment: Attachment;
  /** Until a server says that it cannot, since it has no Redis. */
  #background = true;
  readonly #running = new Map<string, Turn>();
  readonly #ended = new Map<string, string>();
  /** By conversation the run of a turn of ours that fell silent. */
  readonly #silent = new Map<string, { readonly otid: string; readonly runId: string }>();

  constructor({ url, apiKey, toolAllowList, toolAskList, idleTimeoutMs, ...options }: RestOptions) {
    const timeoutMs = options.timeoutMs ?? defaultTimeoutMs;
    this.#api = new RestApi({ url, timeoutMs, ...(apiKey === undefined ? {} : { apiKey }) });
    this.#attachment = new Attachment(this.#api);
    this.#policy = new ToolPolicy(memoryTools, toolAllowList, toolAskList);
    this.#startTimer = options.startTimer ?? startTimer;
    this.#idleTimeoutMs = idleTimeoutMs;
    this.#lockMs = options.lockMs ?? defaultLockMs;
  }

  get abilities(): LettaAbilities {
    return {
      turnsOutliveWatchers: this.#background,
      gatesEveryTool: false,
      repeatsBrokenAnswers: false,
      holdsConversations: false,
      takesTools: false,
      attachesTools: true,
    };
  }

  listAgents(signal: AbortSignal): AsyncIterable<AgentSummary> {
    return this.#api.agents(signal);
  }

  history(agentId: string, limit: number, signal: AbortSignal): Promise<readonly Utterance[]> {
    return readPast(this.#api, agentId, limit, signal);
  }

  missingModels(signal: AbortSignal): Promise<readonly AgentModel[]> {
    return missingModels(this.#api, signal);
  }

  ungatedTools(signal: AbortSignal): Promise<readonly AgentTools[]> {
    return ungatedTools(this.#api, signal);
  }

  attachTools(agentId: string, offered: OfferedTools, keys: AgentKeys, signal: AbortSignal): Promise<void> {
    return this.#attachment.attach(agentId, offered, keys, signal);
  }

  detachTools(agentId: string, offered: Pick<OfferedTools, "name">, signal: AbortSignal): Promise<void> {
    return this.#attachment.detach(agentId, offered, signal);
  }

  withdrawTools(offered: Pick<OfferedTools, "name">, signal: AbortSignal): Promise<void> {
    return this.#attachment.withdraw(offered, signal);
  }

  createConversation(agentId: string, signal: AbortSignal): Promise<Conversation> {
    return this.#api.createConversation(agentId, signal);
  }

  branchConversation(from: Conversation, signal: AbortSignal): Promise<Conversation> {
    return this.#api.fork(from, signal);
  }

  async *ask(request: TurnRequest, signal: AbortSignal): AsyncGenerator<TurnEvent> {
    const { conversation, otid, text } = request;
    const before = this.#ended.get(otid);
    // The server would play the same answer again, or in the foreground even run it again.
    if (before !== undefined && isAnswer(before)) throw silent("this message has been answered already");
    await this.#giveUpSilent(conversation, otid, signal);
    const opened = await this.#send(conversation, { role: "user", content: text, otid }, signal);
    yield* this.#goOn(request, () => opening(opened, { type: "accepted" }), signal);
  }

  async *follow(request: TurnRequest, signal: AbortSignal): AsyncGenerator<TurnEvent> {
    const { conversation, otid } = request;
    const { record, runId } = await trace(this.#look(conversation, otid, signal));
    const told = this.#ended.get(otid);
    if (record !== undefined && record.waiting.length > 0 && told === undefined) {
      yield* this.#goOn(request, (turn) => turn.decide(record, signal), signal);
      return;
    }
    const run = runId === undefined ? undefined : await this.#api.run(runId, signal);
    const end = told ?? (run === undefined ? "error" : endOf(run));
    if (end !== undefined) {
      if (!isAnswer(end)) throw failed(end, undefined);
      yield { type: "finished", stopReason: end };
      return;
    }
    if (run === undefined) return;
    const isDead = () => ageOf(run, Date.now()) >= this.#lockMs;
    const stream = run.background ? await this.#api.resume(conversation, { run_id: run.id }, signal) : undefined;
    try {
      if (stream === undefined) yield* this.#awaitEnd(run.id, signal);
      else yield* this.#goOn(request, () => opening({ stream, background: true }), signal);
    } catch (error) {
      const isSilent = error instanceof LettaError && error.kind === "silent";
      if (!isSilent || !isDead()) throw error;
      // It died with its server, which goes on calling it running. Ending it frees its conversation.
      await this.#end(conversation, otid, run.id, signal);
      yield { type: "finished", stopReason: "cancelled" };
    }
  }

  async lookUp(conversation: Conversation, otid: string, signal: AbortSignal): Promise<TurnFate> {
    if (this.#running.has(otid)) return { state: "running" };
    return await this.#withoutStreams(() => fateOf(this.#look(conversation, otid, signal)));
  }

  async cancel(conversation: Conversation, otid: string, signal: AbortSignal): Promise<void> {
    const wasAsking = this.#running.get(otid)?.callOff() === true;
    if (wasAsking) this.#remember(otid, "cancelled");
    const { runId, record } = await this.#withoutStreams(() => trace(this.#look(conversation, otid, signal)));
    if (wasAsking) await this.#deny(conversation, record?.waiting ?? [], signal);
    else if (runId !== undefined && !this.#hasEnded(otid)) await this.#end(conversation, otid, runId, signal);
  }

  /** Turns go on; whoever looks them up later finds their answers. */
  async close(): Promise<void> {}

  async *#goOn(
    request: TurnRequest,
    open: (turn: Turn) => AsyncGenerator<TurnEvent, OpenTurn>,
    signal: AbortSignal,
  ): AsyncGenerator<TurnEvent> {
    const { conversation, otid } = request;
    const turn = new Turn(request, {
      api: this.#api,
      url: this.#api.url,
      policy: this.#policy,
      startTimer: this.#startTimer,
      idleTimeoutMs: this.#idleTimeoutMs,
      send: (...input) => this.#send(...input),
    });
    this.#running.set(otid, turn);
    try {
      for await (const event of turn.watch(yield* open(turn), signal)) {
        if (event.type === "finished") {
          // It ended well though it was cancelled: the server may notice that only after its model has answered.
          if (this.#ended.get(otid) === "cancelled") throw failed("cancelled", undefined);
          this.#remember(otid, event.stopReason);
        }
        yield event;
      }
    } catch (error) {
      if (error instanceof LettaError && error.kind === "failed") this.#remember(otid, "error");
      if (error instanceof Occupied) {
        await this.#denyWaiting(conversation, signal);
        throw busy("a tool call of an earlier message was in the way");
      }
      if (!(error instanceof Quiet)) throw error;
      if (turn.runId !== undefined) this.#silent.set(keyOf(conversation), { otid, runId: turn.runId });
      throw silent(`the agent's model has said nothing for ${Math.round(this.#idleTimeoutMs / 1_000)} s`);
    } finally {
      this.#running.delete(otid);
    }
  }

  /** For a run whose stream cannot be read. */
  async *#awaitEnd(runId: string, signal: AbortSignal): AsyncGenerator<TurnEvent> {
    for (let waited = 0; waited <= this.#idleTimeoutMs; waited += lookAgainAfterMs) {
      const run = await this.#api.run(runId, signal);
      const stopReason = run === undefined ? "error" : endOf(run);
      if (stopReason !== undefined) {
        if (!isAnswer(stopReason)) throw failed(stopReason, undefined);
        yield { type: "finished", stopReason };
        return;
      }
      await sleep(this.#startTimer, lookAgainAfterMs, signal);
    }
    throw silent("a turn that was begun before says nothing");
  }

  /** Sends input, in the background where the server can. */
  async #send(conversation: Conversation, input: Input, signal: AbortSignal): Promise<OpenTurn> {
    let denied = false;
    for (const pause of [...pauses, undefined]) {
      const background = this.#background;
      try {
        return { stream: await this.#api.send(conversation, input, background, signal), background };
      } catch (error) {
        if (error instanceof NoBackground && background) {
          this.#background = false;
          continue;
        }
        if (error instanceof NoBackground) throw busy("Letta has no room for another turn just now");
        if (!(error instanceof Occupied)) throw error;
        if (error.reason === "approval" && !denied) {
          denied = true;
          await this.#denyWaiting(conversation, signal);
        } else if (pause === undefined || !(await this.#isPassing(error, signal)))
          throw busy("another turn runs in this conversation");
        else await sleep(this.#startTimer, pause, signal);
      }
    }
    throw busy("another turn runs in this conversation");
  }

  /** The run in the way has ended already: its conversation will be free in a moment. */
  async #isPassing({ reason, runId }: Occupied, signal: AbortSignal): Promise<boolean> {
    if (reason === "approval" || runId === undefined) return false;
    const run = await this.#api.run(runId, signal);
    return run === undefined || endOf(run) !== undefined;
  }

  /** In a conversation of ours only an earlier message of ours can have asked. In the default one it may be anybody's. */
  async #denyWaiting(conversation: Conversation, signal: AbortSignal): Promise<void> {
    if (conversation.conversationId === "default")
      throw busy("a tool call waits for somebody's approval in the agent's own conversation");
    const calls = await waitingIn(this.#api, conversation, signal);
    if (calls.length === 0) throw busy("a tool call waits for approval in this conversation");
    await this.#deny(conversation, calls, signal);
  }

  async #deny(conversation: Conversation, calls: readonly ToolCall[], signal: AbortSignal): Promise<void> {
    if (calls.length === 0) return;
    const stream = await this.#api.send(conversation, denialOf(calls), this.#background, signal);
    // What the agent makes of it is nobody's answer. Read to its end, since until then the conversation is busy.
    for await (const _ of stream) signal.throwIfAborted();
  }

  /** Whoever asks the next message waits for a silent turn no longer. */
  async #giveUpSilent(conversation: Conversation, otid: string, signal: AbortSignal): Promise<void> {
    const earlier = this.#silent.get(keyOf(conversation));
    if (earlier === undefined || earlier.otid === otid) return;
    this.#silent.delete(keyOf(conversation));
    if (!this.#hasEnded(earlier.otid)) await this.#end(conversation, earlier.otid, earlier.runId, signal);
  }

  async #end(conversation: Conversation, otid: string, runId: string, signal: AbortSignal): Promise<void> {
    await this.#api.cancelRun(conversation, runId, signal);
    this.#remember(otid, "cancelled");
  }

  /** Looks again without kept streams when the server says that it keeps none. */
  async #withoutStreams<T>(look: () => Promise<T>): Promise<T> {
    try {
      return await look();
    } catch (error) {
      if (!(error instanceof NoBackground)) throw error;
      this.#background = false;
      return await look();
    }
  }

  #look(conversation: Conversation, otid: string, signal: AbortSignal): Look {
    return {
      api: this.#api,
      startTimer: this.#startTimer,
      conversation,
      otid,
      told: this.#ended.get(otid),
      keepsStreams: this.#background,
      lockMs: this.#lockMs,
      signal,
    };
  }

  #hasEnded(otid: string): boolean {
    return this.#ended.has(otid);
  }

  #remember(otid: string, stopReason: string): void {
    if (this.#ended.get(otid) === "cancelled") return;
    this.#ended.set(otid, stopReason);
    for (const oldest of this.#ended.keys()) {
      if (this.#ended.size <= remembered) return;
      this.#ended.delete(oldest);
    }
  }
}

async function* opening(opened: OpenTurn, ...events: TurnEvent[]): AsyncGenerator<TurnEvent, OpenTurn> {
  yield* events;
  return opened;
}

function keyOf({ agentId, conversationId }: Conversation): string {
  return JSON.stringify([agentId, conversationId]);
}
