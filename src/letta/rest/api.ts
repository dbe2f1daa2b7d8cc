import { Letta } from "@letta-ai/letta-client";
import { z } from "zod";
import type { AgentSummary, Conversation } from "../port.ts";
import {
  configOf,
  type EquippedAgent,
  equippedAgent,
  type McpServer,
  mcpServer,
  type NamedTool,
  namedTool,
} from "./equipment.ts";
import { type Asked, malformed, statusOf, translate, unreachable } from "./errors.ts";
import { agent, type HistoryEntry, historyEntry, identified, type Run, run } from "./frames.ts";
import { furnishedAgent, listedModel } from "./inspection.ts";
import { oldestFirst } from "./order.ts";

export interface ApiOptions {
  /** `https://api.letta.com`, or where a self-hosted server listens. */
  readonly url: string;
  readonly apiKey?: string;
  /** How long an answer may take, ms; of a stream, its head. */
  readonly timeoutMs: number;
}

/** A stream of frames, not read yet. */
export interface FrameStream extends AsyncIterable<unknown> {
  readonly controller: AbortController;
}

/** A message to a conversation: a person's, or the answer to a tool call that waits. */
export type Input =
  | { readonly role: "user"; readonly content: string; readonly otid: string }
  | {
      readonly type: "approval";
      readonly otid: string;
      readonly approvals: {
        readonly type: "approval";
        readonly tool_call_id: string;
        readonly approve: boolean;
        readonly reason?: string;
      }[];
    };

const pageSize = 100;
/** A message that is asked for was the last of ours, and the newest page is looked at first. */
const mostPages = 200;

/** The calls that are in use. Never repeats one by itself: whether that is safe is not the client's to know. */
export class RestApi {
  readonly url: string;
  readonly #letta: Letta;
  readonly #timeoutMs: number;
  /** Secrets that each request shows. */
  readonly #shown: readonly string[];

  constructor({ url, apiKey, timeoutMs }: ApiOptions) {
    this.url = url;
    this.#shown = apiKey === undefined ? [] : [apiKey];
    this.#timeoutMs = timeoutMs;
    // Its log lines hold message text. Without a key of ours it would take one from the environment.
    this.#letta = new Letta({
      baseURL: url,
      apiKey: apiKey ?? null,
      timeout: timeoutMs,
      maxRetries: 0,
      logLevel: "off",
    });
  }

  /** All agents, the oldest first, so that one that is made meanwhile comes at the end. */
  async *agents(signal: AbortSignal): AsyncGenerator<AgentSummary> {
    for await (const { id, name } of this.#agents(agent, {}, signal)) yield { id, name };
  }

  /** The same with their settings. */
  furnishedAgents(signal: AbortSignal): AsyncGenerator<z.output<typeof furnishedAgent>> {
    return this.#agents(furnishedAgent, { include: ["agent.tools"] }, signal);
  }

  models(signal: AbortSignal): Promise<readonly z.output<typeof listedModel>[]> {
    return this.#read({ what: "the list of models" }, signal, z.array(listedModel), (options) =>
      this.#letta.models.list({}, options),
    );
  }

  async *#agents<T extends { readonly id: string }>(
    schema: z.ZodType<T>,
    more: { readonly include?: "agent.tools"[] },
    signal: AbortSignal,
  ): AsyncGenerator<T> {
    const query = { ...more, limit: pageSize, order: "asc", order_by: "created_at" } as const;
    let after: string | undefined;
    for (;;) {
      const page = await this.#read({ what: "the list of agents" }, signal, z.array(schema), async (options) => {
        return (await this.#letta.agents.list({ ...query, ...(after === undefined ? {} : { after }) }, options)).items;
      });
      yield* page;
      const last = page.at(-1)?.id;
      if (page.length < pageSize || last === undefined) return;
      if (last === after) throw malformed("the list of agents");
      after = last;
    }
  }

  async createConversation(agentId: string, signal: AbortSignal): Promise<Conversation> {
    const { id } = await this.#read({ what: "a new conversation" }, signal, identified, (options) =>
      this.#letta.conversations.create({ agent_id: agentId }, options),
    );
    return { agentId, conversationId: id };
  }

  async fork(from: Conversation, signal: AbortSignal): Promise<Conversation> {
    const { conversationId } = from;
    const { id } = await this.#read(this.#asked("a branch", from), signal, identified, (options) =>
      this.#letta.conversations.fork(conversationId, agentIn(from), options),
    );
    return { agentId: from.agentId, conversationId: id };
  }

  /** Sends input and gives the stream of its turn. In the background a turn goes on without us. */
  send(conversation: Conversation, input: Input, background: boolean, signal: AbortSignal): Promise<FrameStream> {
    const body = {
      ...agentIn(conversation),
      messages: [input],
      streaming: true,
      stream_tokens: true,
      include_pings: true,
      ...(background ? { background } : {}),
    };
    return this.#call(this.#asked("a message", conversation), signal, (options) =>
      this.#letta.conversations.messages.create(conversation.conversationId, body, options),
    );
  }

  /** The stream of a run from its beginning or after a frame; `undefined` when the server knows of none. */
  async resume(
    conversation: Conversation,
    which: { readonly otid: string } | { readonly run_id: string; readonly starting_after?: number },
    signal: AbortSignal,
  ): Promise<FrameStream | undefined> {
    const body = { ...agentIn(conversation), ...which, include_pings: true };
    return await this.#call(this.#asked("a turn's stream", conversation), signal, async (options) => {
      return await this.#letta.conversations.messages
        .stream(conversation.conversationId, body, options)
        .catch(unlessUnknown);
    });
  }

  async run(id: string, signal: AbortSignal): Promise<Run | undefined> {
    return await this.#read({ what: "a run" }, signal, run.optional(), async (options) => {
      return await this.#letta.runs.retrieve(id, options).catch(unlessUnknown);
    });
  }

  /** Runs of this conversation that have not ended, the newest first. */
  activeRuns({ agentId, conversationId }: Conversation, signal: AbortSignal): Promise<readonly Run[]> {
    // Runs of the default conversation are kept without one.
    const whose = conversationId === "default" ? { agent_id: agentId } : { conversation_id: conversationId };
    return this.#read({ what: "the active runs" }, signal, z.array(run), async (options) => {
      return (await this.#letta.runs.list({ ...whose, active: true, limit: 20 }, options)).items;
    });
  }

  cancelRun({ agentId }: Conversation, runId: string, signal: AbortSignal): Promise<unknown> {
    return this.#read({ what: "the end of a run" }, signal, z.unknown(), (options) =>
      this.#letta.agents.messages.cancel(agentId, { run_ids: [runId] }, options),
    );
  }

  /**
   * A conversation's history, oldest first, as far back as `isEnough` wants. Letta's cursors work only upwards from the
   * oldest message, so the newest page is asked for first, and everything only when that is not enough.
   */
  async history(
    conversation: Conversation,
    isEnough: (newest: readonly HistoryEntry[]) => boolean,
    signal: AbortSignal,
  ): Promise<readonly HistoryEntry[]> {
    const page = await this.#historyPage(conversation, { order: "desc" }, signal);
    const newest = oldestFirst(page, conversation.conversationId === "default");
    // Not each message is one entry, so the length of a page says nothing; the first message of all does.
    if (newest.length === 0 || newest[0]?.message_type === "system_message" || isEnough(newest)) return newest;
    const all = new Map<string, HistoryEntry>();
    let after: string | undefined;
    for (let pages = 0; pages < mostPages; pages += 1) {
      const entries = await this.#historyPage(conversation, { order: "asc", ...(after ? { after } : {}) }, signal);
      const before = all.size;
      for (const entry of entries) all.set(`${entry.id} ${entry.message_type}`, entry);
      if (all.size === before) break;
      after = entries.at(-1)?.id;
    }
    return [...all.values()];
  }

  #historyPage(
    conversation: Conversation,
    query: { readonly order: "asc" | "desc"; readonly after?: string },
    signal: AbortSignal,
  ): Promise<HistoryEntry[]> {
    const asked = this.#asked("the history", conversation);
    return this.#read(asked, signal, z.array(historyEntry), async (options) => {
      const page = { ...agentIn(conversation), ...query, limit: pageSize };
      return (await this.#letta.conversations.messages.list(conversation.conversationId, page, options)).items;
    });
  }

  mcpServers(signal: AbortSignal): Promise<readonly McpServer[]> {
    return this.#read({ what: "the list of MCP servers" }, signal, z.array(mcpServer), (options) =>
      this.#letta.mcpServers.list(options),
    );
  }

  /** Registers a server, at which Letta looks with this key; whatever an agent calls there, it calls with its own. */
  addMcpServer(server_name: string, url: string, keyToLook: string, signal: AbortSignal): Promise<McpServer> {
    return this.#read({ what: "a new MCP server", shown: [keyToLook] }, signal, mcpServer, (options) =>
      this.#letta.mcpServers.create({ server_name, config: configOf(url, keyToLook) }, options),
    );
  }

  changeMcpServer(id: string, url: string, keyToLook: string | undefined, signal: AbortSignal): Promise<McpServer> {
    const shown = keyToLook === undefined ? [] : [keyToLook];
    return this.#read({ what: "a change of an MCP server", shown }, signal, mcpServer, (options) =>
      this.#letta.mcpServers.update(id, { config: configOf(url, keyToLook) }, options),
    );
  }

  /** Has Letta look again which tools it offers. */
  refreshMcpServer(id: string, signal: AbortSignal): Promise<unknown> {
    return this.#read({ what: "a look at an MCP server's tools" }, signal, z.unknown(), (options) =>
      this.#letta.mcpServers.refresh(id, {}, options),
    );
  }

  /** One that is gone is deleted. */
  deleteMcpServer(id: string, signal: AbortSignal): Promise<unknown> {
    return this.#read({ what: "an MCP server" }, signal, z.unknown(), async (options) =>
      this.#letta.mcpServers.delete(id, options).catch(unlessUnknown),
    );
  }

  mcpTools(id: string, signal: AbortSignal): Promise<readonly NamedTool[]> {
    return this.#read({ what: "the tools of an MCP server" }, signal, z.array(namedTool), (options) =>
      this.#letta.mcpServers.tools.list(id, options),
    );
  }

  /** What an agent is equipped with; `undefined` when Letta does not have it. */
  equipped(agentId: string, signal: AbortSignal): Promise<EquippedAgent | undefined> {
    return this.#read({ what: "an agent" }, signal, equippedAgent.optional(), async (options) => {
      const include: ("agent.tools" | "agent.secrets")[] = ["agent.tools", "agent.secrets"];
      return await this.#letta.agents.retrieve(agentId, { include }, options).catch(unlessUnknown);
    });
  }

  /** In the place of all that it had. */
  setSecrets(agentId: string, secrets: Readonly<Record<string, string>>, signal: AbortSignal): Promise<unknown> {
    const shown = Object.values(secrets);
    return this.#read({ what: "an agent's variables", shown }, signal, z.unknown(), (options) =>
      this.#letta.agents.update(agentId, { secrets: { ...secrets } }, options),
    );
  }

  attachTool(agent_id: string, toolId: string, signal: AbortSignal): Promise<unknown> {
    return this.#read({ what: "a tool for an agent" }, signal, z.unknown(), (options) =>
      this.#letta.agents.tools.attach(toolId, { agent_id }, options),
    );
  }

  detachTool(agent_id: string, toolId: string, signal: AbortSignal): Promise<unknown> {
    return this.#read({ what: "a tool of an agent" }, signal, z.unknown(), (options) =>
      this.#letta.agents.tools.detach(toolId, { agent_id }, options),
    );
  }

  #asked(what: string, { conversationId }: Conversation): Omit<Asked, "url"> {
    return { what, ...(conversationId === "default" ? {} : { conversationId }) };
  }

  /** Makes a call whose answer is parsed. The client's own time-out ends with the head of an answer: a body may stall. */
  async #read<T>(
    asked: Omit<Asked, "url">,
    signal: AbortSignal,
    schema: z.ZodType<T>,
    call: (options: { readonly signal: AbortSignal }) => PromiseLike<unknown>,
  ): Promise<T> {
    const limit = AbortSignal.timeout(this.#timeoutMs);
    const answer = await this.#call(asked, AbortSignal.any([signal, limit]), call).catch((error: unknown) => {
      if (limit.aborted && !signal.aborted) throw unreachable({ ...asked, url: this.url }, "took too long");
      throw error;
    });
    const parsed = schema.safeParse(answer);
    if (!parsed.success) throw malformed(asked.what);
    return parsed.data;
  }

  async #call<T>(
    asked: Omit<Asked, "url">,
    signal: AbortSignal,
    call: (options: { readonly signal: AbortSignal }) => PromiseLike<T>,
  ): Promise<T> {
    signal.throwIfAborted();
    try {
      return await call({ signal });
    } catch (error) {
      signal.throwIfAborted();
      throw translate(error, { ...asked, url: this.url, shown: [...this.#shown, ...(asked.shown ?? [])] });
    }
  }
}

function agentIn({ agentId, conversationId }: Conversation): { readonly agent_id?: string } {
  return conversationId === "default" ? { agent_id: agentId } : {};
}

/** Unknown (404), or older than the server keeps streams (410). */
function unlessUnknown(error: unknown): undefined {
  const status = statusOf(error);
  if (status === 404 || status === 410) return undefined;
  throw error;
}
