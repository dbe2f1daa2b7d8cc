import { type LettaBackend, LettaError, type TurnEvent, type TurnFate, type TurnRequest } from "../../letta/port.ts";
import type { Turn, TurnInput } from "../../machines/conversation/context.ts";
import type { conversationMachine } from "../../machines/conversation/index.ts";
import { silence } from "../../machines/conversation/setup.ts";
import { causeOf } from "../../machines/question.ts";
import type { Cancel, Clock } from "../../runtime/clock.ts";
import type { ChildEffects, EffectContext } from "../../runtime/effect.ts";
import type { Sessions } from "../sessions.ts";
import { GrowingAnswer, spoken } from "./answer.ts";
import { Approvals, closeRequest, outcomes } from "./approvals.ts";
import type { SendBudgets } from "./draft-budget.ts";
import { DraftWriter } from "./draft-writer.ts";
import { envelope } from "./envelope.ts";
import type { GrowingAnswers } from "./growing.ts";
import { otidOf } from "./otid.ts";
import { Presence } from "./presence.ts";
import { RoomTurn } from "./room-turn.ts";
import { isSaidByTool } from "./said-by-tool.ts";

type ConversationEffects = ChildEffects<typeof conversationMachine>;
type AskContext = Parameters<ConversationEffects["ask"]>[1];

/** Letta took the message, but ended its turn without an answer. Whether it may be asked again is the chart's to say. */
export class TurnLost extends Error {
  override readonly name = "TurnLost";
  readonly kind = "lost";

  constructor() {
    super("Letta stopped working on this message before it had answered");
  }
}

/** A person has stopped the turn, and Letta has not ended it in time. */
class Stopped extends Error {
  override readonly name = "Stopped";
}

/** How long a turn that is stopped may take to end by itself, ms. */
const stopWithin = 3_000;

/** Noted before the first approval: the input that this effect was started with does not know of it after a restart. */
const toolApproved = "tool approved";
/** Noted before Letta has the turn for the first time, for the same reason. */
const askedHere = "asked here";

export interface AskDependencies {
  readonly letta: LettaBackend;
  readonly sessions: Sessions;
  readonly budgets: SendBudgets;
  readonly clock: Clock;
  /** Who else watches answers grow. */
  readonly growing?: Pick<GrowingAnswers, "publish">;
}

/**
 * Asks Letta, shows drafts while the answer comes, and gives the whole answer. Asks only what Letta has not had: when
 * the same attempt may have been sent before, Letta's history decides.
 */
export function ask({ letta, sessions, budgets, clock, growing }: AskDependencies): ConversationEffects["ask"] {
  return async (input, context) => {
    const room = new RoomTurn(sessions, input, context.signal, context.restarted);
    const drafts = new DraftWriter(draftRoom(room, input.turn, context), budgets.of(input.userId), clock);
    const presence = new Presence(room.client.at("conversation"), input.roomId, clock);
    const { signal, emit } = context;
    const approvals = new Approvals({ room, clock, signal, emit });
    const request = requestOf(input, context, approvals);
    let toolsRan = input.turn.toolApproved || context.checkpointed === toolApproved;
    const noting: TurnRequest = {
      ...request,
      beforeApproval(tool) {
        toolsRan = true;
        return request.beforeApproval(tool);
      },
    };
    const stop = new Stop(clock, () => letta.cancel(request.conversation, request.otid, context.signal));
    context.receive((event) => {
      if (event.type === "STOP") stop.ask();
      approvals.take(event);
    });
    const answer = new GrowingAnswer();
    const asked = { agentId: input.agentId, eventId: input.turn.question.eventId };
    const shown = (text: () => string): void => {
      drafts.update(text);
      growing?.publish(asked, text);
    };
    presence.begin(input.turn.question.eventId);
    try {
      const turn = { letta, request: noting, input, context, stop, room, approvals, show: showing(answer, shown) };
      const text = spoken(await Promise.race([answerOf(turn), stop.overdue]));
      if (text === "" && stop.asked) return { text, stopped: true };
      const {
        roomId,
        turn: { question },
      } = input;
      const isSaid = toolsRan && (await isSaidByTool(room.client, roomId, question, text, context.signal));
      return { text: isSaid ? silence : text };
    } catch (error) {
      if (!stop.asked || context.signal.aborted) throw error;
      return { text: answer.showable, stopped: true };
    } finally {
      stop.dispose();
      presence.end();
      await drafts.stop();
    }
  };
}

/** A person's wish that the turn ends. */
class Stop {
  asked = false;
  /** Rejects when the turn should have ended by now. */
  readonly overdue: Promise<never>;
  readonly #reject: (error: Error) => void;
  readonly #clock: Clock;
  readonly #cancelTurn: () => Promise<void>;
  #cancelTimer: Cancel = () => undefined;

  constructor(clock: Clock, cancelTurn: () => Promise<void>) {
    const { promise, reject } = Promise.withResolvers<never>();
    promise.catch(() => undefined);
    this.overdue = promise;
    this.#reject = reject;
    this.#clock = clock;
    this.#cancelTurn = cancelTurn;
  }

  ask(): void {
    if (this.asked) return;
    this.asked = true;
    // Where Letta cannot be told, the turn ends with our not watching it any more.
    this.#cancelTurn().catch(() => undefined);
    this.#cancelTimer = this.#clock.schedule(stopWithin, () => this.#reject(new Stopped("the turn was stopped")));
  }

  dispose(): void {
    this.#cancelTimer();
  }
}

interface Asking {
  readonly letta: LettaBackend;
  readonly request: TurnRequest;
  readonly input: TurnInput;
  readonly context: AskContext;
  readonly stop: Stop;
  readonly room: RoomTurn;
  readonly approvals: Approvals;
  /** Shows the answer as it grows, and gives all of it. */
  show(events: AsyncIterable<TurnEvent>): Promise<string>;
}

async function answerOf({ letta, request, input, context, stop, room, approvals, show }: Asking): Promise<string> {
  const { turn } = input;
  const { restarted, checkpointed, signal } = context;
  const { conversation, otid } = request;
  const mayHaveIt = restarted || turn.tries > 0 || turn.question.maybeAsked === true;
  // An earlier store of ours may have asked, and been asked about tools.
  const earlierMayKnow = turn.question.maybeAsked === true && turn.askedHere !== true && checkpointed !== askedHere;
  const lookUp = (): Promise<TurnFate> => letta.lookUp(conversation, otid, signal);
  const fate: TurnFate = mayHaveIt ? await lookUp() : { state: "unknown" };
  const closeEarlier = async () => {
    if (turn.approval === undefined || approvals.hasAskedAbout(turn.approval.callId)) return;
    await closeRequest(room, turn.approval, outcomes.cutOff);
  };
  // Where the room was told, the homeserver knows this send by its name, and what stands there stays.
  const closeDecided = async () => {
    if (turn.decided !== undefined && !approvals.hasAskedAbout(turn.decided.callId))
      await closeRequest(room, turn.decided, outcomes.decidedAndCutOff);
  };
  // What an earlier attempt wanted to be allowed, nobody can allow any more.
  if (fate.state !== "running") {
    await closeEarlier();
    await closeDecided();
  }
  switch (fate.state) {
    case "answered":
      return fate.text;
    case "lost":
      return await giveUp(fate, request, earlierMayKnow);
    case "unknown":
      if (stop.asked) throw new Stopped("the turn was stopped before it began");
      // A tool has run in this attempt, whatever the history says: it must not run again.
      if (turn.toolApproved || checkpointed === toolApproved) throw new TurnLost();
      if (earlierMayKnow) await noteAskedHere(context);
      return await show(letta.ask(request, signal)).catch(unlessAnswered(lookUp));
    case "running": {
      await show(letta.follow(request, signal)).catch(unlessCut).catch(unlessAnswered(lookUp));
      // What was followed began somewhere in the middle: the whole answer is in the history.
      const settled = await lookUp();
      // It went on without anybody's being asked here: somebody has decided in Letta's own app.
      if (settled.state !== "running") await closeEarlier();
      if (settled.state === "answered") return settled.text;
      if (settled.state === "lost") return await giveUp(settled, request, earlierMayKnow);
      throw new LettaError("busy", "Letta has not finished with this message", {
        remedy: "wait: it is looked up again",
      });
    }
  }
}

/** Where tools run without asking us, or an earlier store of ours was asked, the look-up may be the first to tell of one. */
async function giveUp(
  { ranTool, calledTool }: Extract<TurnFate, { state: "lost" }>,
  request: TurnRequest,
  earlierMayKnow: boolean,
): Promise<never> {
  const tool = ranTool ?? (earlierMayKnow ? calledTool : undefined);
  if (tool !== undefined) await request.beforeApproval(tool);
  throw new TurnLost();
}

async function noteAskedHere({ checkpoint, emit }: Pick<AskContext, "checkpoint" | "emit">): Promise<void> {
  await checkpoint(askedHere);
  await emit({ type: "ASKED_HERE" });
}

/** A turn that fell silent may have been answered all the same: its last words were lost, the history has them. */
function unlessAnswered(lookUp: () => Promise<TurnFate>): (error: unknown) => Promise<string> {
  return async (error) => {
    const fate = error instanceof LettaError && error.kind === "silent" ? await lookUp() : undefined;
    if (fate?.state === "answered") return fate.text;
    throw error;
  };
}

/** What became of a turn that was cut off, the look-up tells. */
function unlessCut(error: unknown): void {
  if (!(error instanceof LettaError && error.kind === "cut")) throw error;
}

function showing(answer: GrowingAnswer, show: (text: () => string) => void): Asking["show"] {
  return async (events) => {
    for await (const event of events) {
      answer.take(event);
      if (event.type !== "accepted") show(() => answer.showable);
    }
    // Without an end it may be half an answer.
    if (!answer.finished)
      throw new LettaError("unreachable", "Letta's answer broke off", { remedy: "wait: it is looked up again" });
    return answer.text;
  };
}

function requestOf(
  { agentId, conversationId, roomId, turn }: TurnInput,
  context: AskContext,
  approvals: Approvals,
): TurnRequest {
  return {
    conversation: { agentId, conversationId },
    otid: otidOf(agentId, causeOf(turn.question), turn.attempt),
    text: envelope(turn.question, roomId),
    async beforeApproval(tool) {
      await context.checkpoint(toolApproved);
      await context.emit({ type: "TOOL_APPROVED", tool });
    },
    askPerson: (call, over) => approvals.ask(call, over),
  };
}

function draftRoom(room: RoomTurn, { draft }: Turn, { emit }: Pick<EffectContext<DraftEvent>, "emit">) {
  return {
    async begin(text: string): Promise<string> {
      if (draft !== undefined) {
        await room.editDraft(draft, text);
        return draft;
      }
      await emit({ type: "DRAFTING" });
      const eventId = await room.sendDraft(text);
      await emit({ type: "DRAFTED", eventId });
      return eventId;
    },
    edit: (draft: string, text: string) => room.editDraft(draft, text),
  };
}

type DraftEvent = { readonly type: "DRAFTING" } | { readonly type: "DRAFTED"; readonly eventId: string };
