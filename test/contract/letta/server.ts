import { randomUUID } from "node:crypto";
import type { Conversation, ExternalTools, LettaBackend, TurnEvent, TurnRequest } from "../../../src/letta/port.ts";
import { LettaError } from "../../../src/letta/port.ts";
import type { ModelCall } from "../../servers/model.ts";

/** A client of the server under contract, which can go as a killed process goes. */
export interface Client {
  readonly backend: LettaBackend;
  /** Its connection is gone without a word, and nothing of it is used any more. */
  crash(): void;
  close(): Promise<void>;
}

export interface ServerUnderContract {
  /** By how much the times of its clients and its model are divided. */
  readonly haste?: number;
  client(options?: {
    readonly toolAllowList?: readonly string[];
    readonly toolAskList?: readonly string[];
    readonly idleTimeoutMs?: number;
    /** After this time a run that says nothing may be taken for dead. */
    readonly lockMs?: number;
    /** Only where the server takes them. */
    readonly tools?: ExternalTools;
  }): Promise<Client>;
  /** A new agent; gives its id. On servers that do not gate every tool, `gated` names one that waits for approval. */
  newAgent(name?: string, gated?: string): Promise<string>;
  /** Requests that the model got with this nonce. */
  modelCalls(nonce: string): readonly ModelCall[];
  /** Names of the tools that the model was offered in the last such request. */
  offeredTools(nonce: string): readonly string[];
  /** What the model was told of the conversation before the last such request, oldest first. */
  past(nonce: string): readonly string[];
  /** Where the tools of agents run. */
  readonly toolFolder: string;
  /** A turn of somebody else; resolves when it has begun. */
  otherTurn(conversation: Conversation, text: string): Promise<void>;
  kill(): Promise<void>;
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export const never: AbortSignal = new AbortController().signal;

export interface Question extends TurnRequest {
  readonly nonce: string;
  /** Tools whose approval was asked to be written down. */
  readonly approvals: readonly string[];
}

/** A question to the stand-in model; see its directives. */
export function question(conversation: Conversation, directives = "", otid: string = randomUUID()): Question {
  const nonce = randomUUID();
  const approvals: string[] = [];
  return {
    conversation,
    otid,
    nonce,
    approvals,
    text: `What now? [[nonce=${nonce}]] ${directives}`,
    beforeApproval: async (tool) => {
      approvals.push(tool);
    },
  };
}

export async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

/** The answer, as the port says it is made of the events. */
export function answerIn(events: readonly TurnEvent[]): string {
  const texts = new Map<string, string>();
  for (const event of events) {
    if (event.type === "text") texts.set(event.messageId, (texts.get(event.messageId) ?? "") + event.delta);
    if (event.type === "withdrawn") texts.delete(event.messageId);
  }
  return [...texts.values()].map((text) => text.trim()).join("\n\n");
}

/** Asks, and gives the events up to the first one that is wanted. The rest is not read. */
export async function until(
  events: AsyncIterable<TurnEvent>,
  wanted: TurnEvent["type"],
): Promise<{ readonly seen: TurnEvent[]; readonly rest: Promise<unknown> }> {
  const iterator = events[Symbol.asyncIterator]();
  const seen: TurnEvent[] = [];
  for (;;) {
    const next = await iterator.next();
    if (next.done === true) throw new Error(`the turn ended without ${wanted}`);
    seen.push(next.value);
    if (next.value.type === wanted) break;
  }
  // Kept going as a caller would, so that the turn is not given up.
  const rest = (async () => {
    for (;;) {
      const next = await iterator.next();
      if (next.done === true) return undefined;
      seen.push(next.value);
    }
  })().catch((error: unknown) => error);
  return { seen, rest };
}

/** Asks, in a branch where the conversation is held; gives where that was and what came of it. */
export async function askSomewhere(
  backend: LettaBackend,
  asked: Question,
): Promise<{ readonly conversation: Conversation; readonly events: readonly TurnEvent[] }> {
  const ask = async (conversation: Conversation) => ({
    conversation,
    events: await all(backend.ask({ ...asked, conversation }, never)),
  });
  return await ask(asked.conversation).catch(async (error: unknown) => {
    if (!(error instanceof LettaError && error.kind === "held")) throw error;
    return await ask(await backend.branchConversation(asked.conversation, never));
  });
}

export async function failure(promise: Promise<unknown>): Promise<LettaError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof LettaError)) throw new Error(`expected a LettaError, got ${String(error)}`, { cause: error });
  return error;
}
