import { z } from "zod";
import { type Listener, Runtime, type RuntimeOptions } from "./runtime.ts";
import { toolGroups, toolResult } from "./served-tools.ts";
import type { AppServerState } from "./state.ts";

const runtimeName = z.object({ agent_id: z.string(), conversation_id: z.string() });
const message = z.object({
  role: z.literal("user"),
  content: z.string(),
  otid: z.string(),
  client_message_id: z.string().optional(),
});
const decision = z.object({ behavior: z.enum(["allow", "deny"]), message: z.string().optional() });
const payload = z.discriminatedUnion("kind", [
  z.object({
    kind: z.literal("create_message"),
    messages: z.array(message).min(1),
    client_tool_allowlist: z.array(z.string()).default([]),
    external_tool_scope_ids: z.array(z.string()).default([]),
  }),
  z.object({ kind: z.literal("approval_response"), request_id: z.string(), decision }),
]);
const memoryBlocks = z.array(z.object({ value: z.string() })).default([]);

/** The commands that are in use. */
const commandSchema = z.discriminatedUnion("type", [
  z.object({ type: z.literal("runtime_start"), ...runtimeName.shape, external_tools: toolGroups.default([]) }),
  z.object({ type: z.literal("external_tool_call_response"), request_id: z.string(), result: toolResult }),
  z.object({
    type: z.literal("sync"),
    runtime: runtimeName,
    recover_approvals: z.boolean().default(true),
    resume_interrupted_turn: z.boolean().default(false),
  }),
  z.object({
    type: z.literal("input"),
    runtime: runtimeName,
    terminal_consumer_id: z.string().optional(),
    payload,
  }),
  z.object({ type: z.literal("abort_message"), runtime: runtimeName }),
  z.object({ type: z.literal("turn_finished_ack"), runtime: runtimeName, idempotency_key: z.string() }),
  z.object({ type: z.literal("conversation_create"), body: z.object({ agent_id: z.string() }) }),
  z.object({
    type: z.literal("conversation_fork"),
    conversation_id: z.string(),
    body: z.object({ agent_id: z.string(), message_id: z.string() }),
  }),
  z.object({
    type: z.literal("conversation_messages_list"),
    conversation_id: z.string(),
    query: z.object({ limit: z.number(), before: z.string().optional(), agent_id: z.string().default("") }),
  }),
  z.object({
    type: z.literal("agent_list"),
    query: z.object({ limit: z.number().default(50), after: z.string().optional() }),
  }),
  z.object({
    type: z.literal("agent_create"),
    body: z.object({ name: z.string(), model: z.string(), memory_blocks: memoryBlocks }),
  }),
  z.object({ type: z.literal("list_models") }),
]);
type Command = z.infer<typeof commandSchema>;
type RuntimeName = z.infer<typeof runtimeName>;

/** What a running server does with the commands that come. */
export class Commands {
  readonly #options: RuntimeOptions;
  readonly #state: AppServerState;
  readonly #runtimes = new Map<string, Runtime>();

  constructor(options: RuntimeOptions) {
    this.#options = options;
    this.#state = options.state;
  }

  leave(listener: Listener): void {
    for (const runtime of this.#runtimes.values()) runtime.leave(listener);
  }

  /** The reply, if there is one. */
  answer(command: unknown, listener: Listener): object | undefined {
    const parsed = commandSchema.safeParse(command);
    const ignores = this.#options.oddities.badInputIsIgnored;
    if (!parsed.success) return ignores ? undefined : { success: false, error: parsed.error.message };
    try {
      return this.#answer(parsed.data, listener);
    } catch (error) {
      return { success: false, error: error instanceof Error ? error.message : String(error) };
    }
  }

  #answer(command: Command, listener: Listener): object | undefined {
    const state = this.#state;
    switch (command.type) {
      case "runtime_start": {
        const { agent_id, conversation_id } = command;
        const runtime = this.#runtime({ agent_id, conversation_id });
        runtime.served.offer(listener, command.external_tools);
        runtime.join(listener);
        return { success: true, runtime: { agent_id, conversation_id } };
      }
      case "external_tool_call_response":
        for (const { served } of this.#runtimes.values()) served.settle(command.request_id, command.result);
        return undefined;
      case "sync": {
        const runtime = this.#runtime(command.runtime);
        runtime.join(listener);
        if (command.recover_approvals && command.resume_interrupted_turn) runtime.resume();
        return { success: true };
      }
      case "input":
        return this.#input(command, listener);
      case "abort_message":
        return { success: true, aborted: this.#runtime(command.runtime).abort() };
      case "turn_finished_ack":
        this.#runtime(command.runtime).acknowledge(command.idempotency_key);
        return undefined;
      case "conversation_create": {
        const { agent_id } = command.body;
        if (!state.agents.has(agent_id)) throw new Error(`Agent ${agent_id} not found`);
        return { success: true, conversation: { id: state.addConversation(agent_id).id } };
      }
      case "conversation_fork": {
        const { agent_id, message_id } = command.body;
        const runtime = this.#runtime({ agent_id, conversation_id: command.conversation_id });
        if (runtime.busy) throw new Error("The conversation has active or queued work");
        const { messages } = runtime.conversation;
        const last = messages.findIndex(({ entry }) => entry.id === message_id);
        if (last < 0) throw new Error(`Message ${message_id} not found`);
        return { success: true, conversation: { id: state.addConversation(agent_id, messages.slice(0, last + 1)).id } };
      }
      case "conversation_messages_list": {
        const { limit, before, agent_id } = command.query;
        const all = state.conversation(agent_id, command.conversation_id).messages.map(({ entry }) => entry);
        const end = before === undefined ? all.length : all.findIndex(({ id }) => id === before);
        const messages = all.slice(Math.max(0, end - limit), Math.max(0, end)).reverse();
        return { success: true, messages, has_more: end > limit, next_before: messages.at(-1)?.id ?? null };
      }
      case "agent_list": {
        const { limit, after } = command.query;
        const all = [...state.agents.values()];
        const begin = after === undefined ? 0 : all.findIndex(({ id }) => id === after) + 1;
        return { success: true, agents: all.slice(begin, begin + limit) };
      }
      case "agent_create": {
        const { name, model, memory_blocks } = command.body;
        return { success: true, agent: state.addAgent(name, model, memory_blocks[0]?.value ?? "") };
      }
      case "list_models": {
        const id = this.#options.modelName;
        return { success: true, entries: [{ id, handle: `openai-compatible/${id}` }] };
      }
    }
  }

  #input(command: Extract<Command, { type: "input" }>, listener: Listener): object {
    const { payload, runtime: name, terminal_consumer_id: consumer } = command;
    const runtime = this.#runtime(name);
    if (payload.kind === "approval_response")
      return { runtime: name, ...runtime.decide(payload.request_id, payload.decision) };
    runtime.join(listener);
    const taken = runtime.take({
      messages: payload.messages.map(({ content, otid, client_message_id: id }) => ({
        content,
        otid,
        named: id !== undefined,
      })),
      consumers: consumer === undefined ? [] : [consumer],
      tools: payload.client_tool_allowlist,
      scopes: payload.external_tool_scope_ids,
    });
    return { runtime: name, ...taken };
  }

  #runtime(name: RuntimeName): Runtime {
    const { agent_id, conversation_id } = name;
    const agent = this.#state.agents.get(agent_id);
    if (agent === undefined) throw new Error(`Agent ${agent_id} not found`);
    const conversation = this.#state.conversation(agent_id, conversation_id);
    const key = `${agent_id} ${conversation_id}`;
    const runtime = this.#runtimes.get(key) ?? new Runtime(agent, conversation, name, this.#options);
    this.#runtimes.set(key, runtime);
    return runtime;
  }
}
