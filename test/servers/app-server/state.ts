import { randomUUID } from "node:crypto";

/** What the stand-in of Letta's App Server keeps on its disk, which survives its being killed. */

/** What the real server does that one would not expect. Each can be left out, to see that a test notices. */
export interface AppServerOddities {
  /** A turn ends when the last socket that listens to it is gone. */
  readonly turnsDieWithTheirSocket: boolean;
  /** The run of such a turn holds its conversation until the server is restarted. */
  readonly cutTurnsHold: boolean;
  /** What the model had said by then stays in the history, as an answer does. */
  readonly halfAnswersAreKept: boolean;
  /** A finished message is accepted again by its `client_message_id`, and nothing more is heard of it. */
  readonly namedRepeatsAreSwallowed: boolean;
  /** A message that has an otid only runs again. */
  readonly unnamedRepeatsRun: boolean;
  /** To what it cannot read the server says nothing. */
  readonly badInputIsIgnored: boolean;
  /** A message without `client_message_id` is refused while a turn runs. */
  readonly unnamedAreRefusedWhileBusy: boolean;
  /** Messages that wait in the server's queue come to one turn. */
  readonly namedCoalesce: boolean;
  /** How a turn ended is told again to whoever joins the conversation, as long as it is not acknowledged. */
  readonly receiptsAreKept: boolean;
  /** For a while after it was told it is told to nobody. */
  readonly receiptsAreLeased: boolean;
  /** An aborted turn ends with its model's next word. */
  readonly abortsEndWithTheNextWord: boolean;
  /** The conversation of an aborted turn is called idle at once, before that has ended. */
  readonly abortedIsCalledIdle: boolean;
  /** After an abort no message is taken until the conversation is resumed. */
  readonly interruptedTakesNothing: boolean;
  /** The first message of a conversation carries notes of Letta's own. */
  readonly remindersInMessages: boolean;
}

export const appServerOddities: AppServerOddities = {
  turnsDieWithTheirSocket: true,
  cutTurnsHold: true,
  halfAnswersAreKept: true,
  namedRepeatsAreSwallowed: true,
  unnamedRepeatsRun: true,
  badInputIsIgnored: true,
  unnamedAreRefusedWhileBusy: true,
  namedCoalesce: true,
  receiptsAreKept: true,
  receiptsAreLeased: true,
  abortsEndWithTheNextWord: true,
  abortedIsCalledIdle: true,
  interruptedTakesNothing: true,
  remindersInMessages: true,
};

export interface StoredMessage {
  /** As the history shows it. */
  readonly entry: Readonly<Record<string, unknown>> & { readonly id: string; readonly message_type: string };
  /** As the model is told; some entries it is not told. */
  readonly chat?: object;
}

export interface Receipt {
  readonly frame: { readonly idempotency_key: string };
  toldAt: number;
}

export interface Agent {
  readonly id: string;
  readonly name: string;
  readonly model: string;
  readonly persona: string;
}

export interface Conversation {
  readonly id: string;
  readonly agentId: string;
  readonly messages: StoredMessage[];
  readonly receipts: Receipt[];
  /** `client_message_id`s that came to an end, and otids. */
  readonly finished: Set<string>;
}

export class AppServerState {
  readonly agents = new Map<string, Agent>();
  readonly #conversations = new Map<string, Conversation>();
  #messages = 0;

  addAgent(name: string, model: string, persona: string): Agent {
    const agent = { id: `agent-local-${randomUUID()}`, name, model, persona };
    this.agents.set(agent.id, agent);
    return agent;
  }

  addConversation(agentId: string, messages: readonly StoredMessage[] = []): Conversation {
    return this.#add(`local-conv-${this.#conversations.size + 1}`, agentId, messages);
  }

  conversation(agentId: string, id: string): Conversation {
    if (agentId !== "" && !this.agents.has(agentId)) throw new Error(`Agent ${agentId} not found`);
    const key = id === "default" ? `default of ${agentId}` : id;
    const found = this.#conversations.get(key) ?? (id === "default" ? this.#add(key, agentId, []) : undefined);
    if (found === undefined) throw new Error(`Conversation ${id} not found`);
    return found;
  }

  nextMessageId(): string {
    this.#messages += 1;
    return `ui-msg-${this.#messages}`;
  }

  #add(id: string, agentId: string, messages: readonly StoredMessage[]): Conversation {
    const conversation = { id, agentId, messages: [...messages], receipts: [], finished: new Set<string>() };
    this.#conversations.set(id, conversation);
    return conversation;
  }
}
