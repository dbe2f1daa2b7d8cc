import type { LettaBackend, TurnEvent, TurnFate, TurnRequest } from "../../letta/port.ts";
import { type conversationMachine, silence, type TurnInput } from "../../machines/conversation.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { ChildEffects, EffectContext } from "../../runtime/effect.ts";
import type { Sessions } from "../sessions.ts";
import type { SendBudgets } from "./draft-budget.ts";
import { DraftWriter } from "./draft-writer.ts";
import { envelope } from "./envelope.ts";
import { otidOf } from "./otid.ts";
import { Presence } from "./presence.ts";
import { RoomTurn } from "./room-turn.ts";

type ConversationEffects = ChildEffects<typeof conversationMachine>;
type AskContext = Parameters<ConversationEffects["ask"]>[1];

/** Letta took the message, but ended its turn without an answer. Whether it may be asked again is the chart's to say. */
export class TurnLost extends Error {
  override readonly name = "TurnLost";
  readonly kind = "lost";
}

export interface AskDependencies {
  readonly letta: LettaBackend;
  readonly sessions: Sessions;
  readonly budgets: SendBudgets;
  readonly clock: Clock;
}

/**
 * Asks Letta, shows drafts while the answer comes, and gives the whole answer. Asks only what Letta has not had: when
 * the same attempt may have been sent before, Letta's history decides.
 */
export function ask({ letta, sessions, budgets, clock }: AskDependencies): ConversationEffects["ask"] {
  return async (input, context) => {
    const room = new RoomTurn(sessions, input, context.signal);
    const drafts = new DraftWriter(draftRoom(room, context), budgets.of(input.userId), clock);
    const presence = new Presence(room.client, input.roomId, clock, context.signal);
    presence.begin(input.turn.question.eventId);
    try {
      return { text: await answerOf(letta, requestOf(input, context), input, context, drafts) };
    } finally {
      presence.end();
      await drafts.stop();
    }
  };
}

async function answerOf(
  letta: LettaBackend,
  request: TurnRequest,
  { turn }: TurnInput,
  { restarted, signal }: AskContext,
  drafts: DraftWriter,
): Promise<string> {
  const { conversation, otid } = request;
  const mayHaveIt = restarted || turn.tries > 0;
  const fate: TurnFate = mayHaveIt ? await letta.lookUp(conversation, otid, signal) : { state: "unknown" };
  switch (fate.state) {
    case "answered":
      return fate.text.trim();
    case "lost":
      throw new TurnLost("Letta stopped working on this message before it had answered");
    case "unknown":
      return await show(letta.ask(request, signal), drafts);
    case "running": {
      await show(letta.follow(request, signal), drafts);
      // What was followed began somewhere in the middle: the whole answer is in the history.
      const settled = await letta.lookUp(conversation, otid, signal);
      if (settled.state === "answered") return settled.text.trim();
      throw new TurnLost("Letta stopped working on this message before it had answered");
    }
  }
}

/** Shows the answer as it grows, and gives all of it. */
async function show(events: AsyncIterable<TurnEvent>, drafts: DraftWriter): Promise<string> {
  const messages = new Map<string, string>();
  for await (const event of events) {
    if (event.type !== "text") continue;
    messages.set(event.messageId, (messages.get(event.messageId) ?? "") + event.delta);
    const text = joined(messages);
    // As long as it may turn out to be the word for silence, nobody sees it.
    if (text !== "" && !silence.startsWith(text)) drafts.update(text);
  }
  return joined(messages);
}

function joined(messages: ReadonlyMap<string, string>): string {
  return [...messages.values()]
    .map((text) => text.trim())
    .filter((text) => text !== "")
    .join("\n\n");
}

function requestOf({ agentId, conversationId, roomId, turn }: TurnInput, context: AskContext): TurnRequest {
  return {
    conversation: { agentId, conversationId },
    otid: otidOf(agentId, turn.question.eventId, turn.attempt),
    text: envelope(turn.question, roomId),
    beforeApproval: (tool) => context.emit({ type: "TOOL_APPROVED", tool }),
  };
}

function draftRoom(room: RoomTurn, { emit }: Pick<EffectContext<DraftEvent>, "emit">) {
  return {
    async begin(text: string): Promise<string> {
      await emit({ type: "DRAFTING" });
      const eventId = await room.sendDraft(text);
      await emit({ type: "DRAFTED", eventId });
      return eventId;
    },
    edit: (draft: string, text: string, n: number) => room.editDraft(draft, text, n),
  };
}

type DraftEvent = { readonly type: "DRAFTING" } | { readonly type: "DRAFTED"; readonly eventId: string };
