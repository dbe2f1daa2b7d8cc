import { z } from "zod";
import type { TurnEvent, TurnRequest } from "../port.ts";
import { cancelled, isAnswer, untold } from "../stop-reason.ts";
import { type StartTimer, sleep } from "../timer.ts";
import type { ToolPolicy } from "../tools.ts";
import type { AppServerConnection, Request } from "./connection.ts";
import { busy, cut, failed, held, silent } from "./errors.ts";
import { Quiet } from "./event-queue.ts";
import { ourScope } from "./external-calls.ts";
import type { ControlRequest } from "./frames.ts";
import { abort, resume } from "./interrupt.ts";
import type { Session } from "./session.ts";
import { Turn, type TurnItem } from "./turn.ts";

export interface AskingOptions {
  readonly connection: AppServerConnection;
  readonly policy: ToolPolicy;
  readonly startTimer: StartTimer;
  readonly idleTimeoutMs: number;
}

const accepted = z.object({ accepted: z.boolean(), error: z.string().optional() });
const never = new AbortController().signal;

/** Letta's words for a conversation in which it still counts a turn as running that it does not watch any more. */
const heldByRun = /already has an active run/i;

/** Letta tidies up for a moment after a turn that used tools, and takes no message meanwhile, ms. */
const pauses = [50, 100, 200, 400, 800, 1_600, 3_200];
/** A turn that is aborted ends with its model's next word; this long is waited for that, ms. */
const abortPauses = [100, 200, 400, 800];

/**
 * A turn that was begun over a connection which is gone may wait for ever for what only that connection could have told
 * it. After this long without a word it is ended, and its message may be asked again, ms.
 */
const adoptedQuietMs = 30_000;

/** Sends messages and watches their turns. */
export class Asking {
  readonly #options: AskingOptions;
  readonly #request: Request;

  constructor(options: AskingOptions) {
    this.#options = options;
    this.#request = (...request) => options.connection.request(...request);
  }

  async *ask(session: Session, request: TurnRequest, signal: AbortSignal): AsyncGenerator<TurnEvent> {
    const before = session.stopReason(request.otid);
    if (before !== undefined && isAnswer(before)) throw silent("this message has been answered already");
    const earlier = session.turn;
    if (earlier?.silent === true && earlier.otid !== request.otid) await this.#giveUp(session, earlier, signal);
    const turn = await this.#send(session, request, signal);
    yield { type: "accepted" };
    yield* this.watch(session, turn, signal);
  }

  /** Continues with a turn that runs, whoever's connection it was begun over. */
  async *follow(session: Session, request: TurnRequest, signal: AbortSignal): AsyncGenerator<TurnEvent> {
    const known = session.stopReason(request.otid);
    const ours = session.turn;
    if (ours !== undefined && ours.otid !== request.otid) throw busy("another turn of ours runs in this conversation");
    if (ours === undefined && (known !== undefined || session.idle)) {
      if (known === cancelled) throw cut();
      if (known !== undefined && !isAnswer(known)) throw failed(known, undefined);
      yield { type: "finished", stopReason: known ?? "end_turn" };
      return;
    }
    const turn = ours ?? new Turn(request, { startTimer: this.#options.startTimer, adopted: true });
    if (ours === undefined) session.begin(turn);
    turn.request = request;
    yield* this.watch(session, turn, signal);
  }

  async *watch(session: Session, turn: Turn, signal: AbortSignal): AsyncGenerator<TurnEvent> {
    const { idleTimeoutMs } = this.#options;
    let abandoned = true;
    turn.silent = false;
    try {
      for (;;) {
        const item = await this.#next(session, turn, signal);
        if (item.type === "permission") yield await this.#decide(session, turn, item.control);
        else if (item.type !== "end") yield item;
        else {
          if (item.stopReason === untold) throw cut();
          session.remember(turn.otid, item.stopReason);
          if (item.error !== undefined && heldByRun.test(item.error)) throw held("an earlier turn was cut off");
          if (turn.adopted && item.stopReason === cancelled) throw cut();
          if (!isAnswer(item.stopReason)) throw failed(item.stopReason, item.error);
          yield { type: "finished", stopReason: item.stopReason };
          return;
        }
      }
    } catch (error) {
      if (!(error instanceof Quiet)) throw error;
      // It may go on: whoever looks it up can follow it.
      abandoned = false;
      turn.silent = true;
      throw silent(`the agent's model has said nothing for ${Math.round(idleTimeoutMs / 1_000)} s`);
    } finally {
      if (abandoned && !turn.ended) this.#abandon(session);
    }
  }

  /** A turn of our own has all the time there is; one of a connection that is gone is ended once it is quiet. */
  async #next(session: Session, turn: Turn, signal: AbortSignal): Promise<TurnItem> {
    const { idleTimeoutMs } = this.#options;
    if (!turn.adopted) return await turn.queue.next(idleTimeoutMs, signal);
    try {
      return await turn.queue.next(Math.min(idleTimeoutMs, adoptedQuietMs), signal);
    } catch (error) {
      if (!(error instanceof Quiet)) throw error;
      // A tool may work for long without a word.
      if (session.runsTool) return await turn.queue.next(idleTimeoutMs, signal);
      turn.silent = true;
      await this.#giveUp(session, turn, signal);
      throw cut();
    }
  }

  async #send(session: Session, request: TurnRequest, signal: AbortSignal): Promise<Turn> {
    const { startTimer } = this.#options;
    for (const pause of pauses) {
      const turn = await this.#trySend(session, request, signal);
      if (turn !== undefined) return turn;
      await sleep(startTimer, pause, signal);
    }
    // A tool call stands open that nobody can approve any more, or somebody has stopped a turn. Having Letta resume
    // could have it go on with that turn, tool and all.
    throw held("it refuses messages though no turn is running");
  }

  /** `undefined` when Letta does not take the message though no turn is running. */
  async #trySend(session: Session, request: TurnRequest, signal: AbortSignal): Promise<Turn | undefined> {
    const { connection, startTimer } = this.#options;
    if (!session.idle || session.turn !== undefined) throw busy("another turn runs in this conversation");
    const turn = new Turn(request, { startTimer });
    const requestId = connection.nextRequestId();
    session.begin(turn, requestId);
    try {
      const reply = await this.#request(this.#input(session, request), accepted, signal, requestId);
      if (reply.accepted) return turn;
      session.forget(turn);
      return undefined;
    } catch (error) {
      if (signal.aborted) this.#abandon(session);
      session.forget(turn);
      throw error;
    }
  }

  /**
   * The message has an otid, by which the history knows it, but no `client_message_id`: a message that has one is put
   * on disk and run again by Letta itself after its restart, tool calls included.
   */
  #input(session: Session, { otid, text }: TurnRequest) {
    const payload = {
      kind: "create_message",
      messages: [{ role: "user", content: text, otid }],
      client_tool_allowlist: this.#options.policy.offered,
      external_tool_scope_ids: [ourScope],
      exclude_interactive_tools: true,
    };
    return { type: "input", runtime: session.runtime, terminal_consumer_id: otid, payload };
  }

  async #decide(session: Session, turn: Turn, control: ControlRequest): Promise<TurnEvent> {
    const { request } = turn;
    const name = control.request.tool_name;
    let denied = await this.#reasonAgainst(turn, control);
    if (turn.ended) return { type: "tool", name, outcome: "denied" };
    if (denied === undefined) {
      await request.beforeApproval(name).catch(() => {
        denied = "The approval could not be written down, so the tool was not run.";
      });
    }
    const decision = denied === undefined ? { behavior: "allow" } : { behavior: "deny", message: denied };
    const payload = { kind: "approval_response", request_id: control.request_id, decision };
    // When it is too late for it, Letta has ended the turn already and says so.
    await this.#request({ type: "input", runtime: session.runtime, payload }, accepted, never);
    return { type: "tool", name, outcome: denied === undefined ? "approved" : "denied" };
  }

  /** What speaks against the call, to be read by the model; a person may be asked for it, and take long. */
  async #reasonAgainst(turn: Turn, { request_id: id, request: { tool_name: name, input } }: ControlRequest) {
    const { policy } = this.#options;
    if (policy.allows(name)) return undefined;
    if (!policy.asks(name) || turn.request.askPerson === undefined) return policy.reasonAgainst(name);
    const { allowed, reason } = await turn.request.askPerson({ id, name, input }, turn.over);
    return allowed ? undefined : reason;
  }

  /** Nobody waits for this turn any longer. Letta may not end it before its model says more. */
  async #giveUp(session: Session, turn: Turn, signal: AbortSignal): Promise<void> {
    const interrupting = { session, request: this.#request, signal };
    await abort(interrupting);
    for (const pause of abortPauses) {
      if (turn.ended) return await resume(interrupting);
      await sleep(this.#options.startTimer, pause, signal);
    }
    throw held("the model of an earlier turn says nothing, and that turn cannot be ended");
  }

  /** It ends with its model's next word. Should that stay away, the next message waits for it no longer. */
  async cancel(session: Session, turn: Turn): Promise<void> {
    turn.silent = true;
    await this.#end(session);
  }

  /** Nobody watches the turn any more. Left to itself it would keep the conversation busy. */
  #abandon(session: Session): void {
    // What fails here shows at the next message.
    this.#end(session).catch(() => {});
  }

  async #end(session: Session): Promise<void> {
    const interrupting = { session, request: this.#request, signal: never };
    const unwatch = session.watch((frame) => {
      if (frame.type !== "turn_finished") return;
      unwatch();
      resume(interrupting).catch(() => {});
    });
    try {
      if (!(await abort(interrupting))) unwatch();
    } catch (error) {
      unwatch();
      throw error;
    }
  }
}
