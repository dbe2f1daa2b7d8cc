import type { ServerResponse } from "node:http";
import { z } from "zod";
import { sendJson } from "../model-answer.ts";
import { type Input, type LoopOptions, work } from "./loop.ts";
import { attachable, mcpRoutes } from "./mcp.ts";
import { type Agent, type Conversation, type Run, toolType, waitingCalls } from "./state.ts";
import { append, finish, play } from "./streams.ts";

export interface RouteOptions extends LoopOptions {
  readonly redis: boolean;
}

type Route = (given: {
  readonly ids: readonly string[];
  readonly query: URLSearchParams;
  readonly body: object;
  readonly response: ServerResponse;
}) => Promise<void> | void;

const message = z.object({
  messages: z.tuple([
    z.union([
      z.object({ role: z.literal("user"), content: z.string(), otid: z.string().optional() }),
      z.object({
        type: z.literal("approval"),
        otid: z.string().optional(),
        approvals: z.array(z.object({ tool_call_id: z.string(), approve: z.boolean(), reason: z.string().optional() })),
      }),
    ]),
  ]),
  background: z.boolean().default(false),
});
const newAgent = z.object({
  name: z.string(),
  model: z.string().optional(),
  llm_config: z.object({ handle: z.string() }).optional(),
  memory_blocks: z.array(z.object({ value: z.string() })).default([]),
});
const streamed = z.object({
  otid: z.string().optional(),
  run_id: z.string().optional(),
  starting_after: z.number().default(0),
});
const conversationIds = /^conv-[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** The requests that are in use, as the V1 server answers them. */
export class V1Routes {
  readonly #options: RouteOptions;
  readonly #routes: readonly (readonly [pattern: RegExp, route: Route])[];

  constructor(options: RouteOptions) {
    this.#options = options;
    const { state } = options;
    this.#routes = [
      ...mcpRoutes(state),
      [
        /^GET \/v1\/agents\/([^/]+)$/,
        ({ ids: [id = ""], query, response }) => {
          const agent = state.agents.get(id);
          if (agent === undefined) return sendJson(response, 404, { detail: `Agent with ID ${id} not found` });
          const included = query.getAll("include");
          const secrets = Object.entries(included.includes("agent.secrets") ? agent.secrets : {});
          sendJson(response, 200, {
            ...shownAgent(agent, included.includes("agent.tools")),
            secrets: secrets.map(([key, value]) => ({ key, value })),
          });
        },
      ],
      [
        /^POST \/v1\/agents$/,
        ({ body, response }) => {
          const { name, model, llm_config, memory_blocks } = newAgent.parse(body);
          const handle = llm_config?.handle ?? model ?? this.#modelHandle;
          sendJson(response, 200, shownAgent(state.addAgent(name, memory_blocks[0]?.value ?? "", handle), false));
        },
      ],
      [
        /^GET \/v1\/agents$/,
        ({ query, response }) =>
          sendJson(
            response,
            200,
            this.#page([...state.agents.values()], query).map((agent) =>
              shownAgent(agent, query.getAll("include").includes("agent.tools")),
            ),
          ),
      ],
      [
        /^GET \/v1\/models$/,
        ({ response }) => sendJson(response, 200, [{ handle: this.#modelHandle, name: options.modelName }]),
      ],
      [
        /^GET \/v1\/tools$/,
        ({ query, response }) =>
          sendJson(response, 200, [{ id: `tool-${query.get("name")}`, name: query.get("name") }]),
      ],
      [
        /^PATCH \/v1\/agents\/([^/]+)\/tools\/attach\/tool-(.+)$/,
        ({ ids: [agent = "", tool = ""], response }) => {
          state.agents.get(agent)?.tools.set(tool, { type: attachable(tool, state), needsApproval: false });
          sendJson(response, 200, {});
        },
      ],
      [
        /^PATCH \/v1\/agents\/([^/]+)\/tools\/approval\/(.+)$/,
        ({ ids: [agent = "", tool = ""], body, response }) => {
          const needsApproval = Reflect.get(body, "requires_approval") === true;
          state.agents.get(agent)?.tools.set(tool, { type: toolType(tool), needsApproval });
          sendJson(response, 200, {});
        },
      ],
      [/^POST \/v1\/agents\/([^/]+)\/messages\/cancel$/, ({ body, response }) => this.#cancel(body, response)],
      [
        /^POST \/v1\/conversations$/,
        ({ query, response }) => {
          const agent = state.agents.get(query.get("agent_id") ?? "");
          if (agent === undefined) return sendJson(response, 404, { detail: "Agent not found" });
          sendJson(response, 200, state.addConversation(agent.id));
        },
      ],
      [
        /^POST \/v1\/conversations\/([^/]+)\/fork$/,
        ({ ids: [id = ""], response }) => {
          const from = this.#conversation(id, {}, response);
          if (from !== undefined) sendJson(response, 200, state.addConversation(from.agentId, from.messages));
        },
      ],
      [
        /^POST \/v1\/conversations\/([^/]+)\/messages$/,
        ({ ids: [id = ""], body, response }) => this.#send(id, body, response),
      ],
      [/^POST \/v1\/conversations\/([^/]+)\/stream$/, ({ body, response }) => this.#stream(body, response)],
      [
        /^GET \/v1\/conversations\/([^/]+)\/messages$/,
        ({ ids: [id = ""], query, response }) => this.#history(id, query, response),
      ],
      [
        /^GET \/v1\/runs$/,
        ({ query, response }) => {
          const runs = [...state.runs.values()].filter(
            ({ conversationId, status }) => conversationId === query.get("conversation_id") && status === "running",
          );
          sendJson(response, 200, runs.map(shown));
        },
      ],
      [
        /^GET \/v1\/runs\/([^/]+)$/,
        ({ ids: [id = ""], response }) => {
          const run = state.runs.get(id);
          if (run === undefined) sendJson(response, 404, { detail: `Run not found with id='${id}'` });
          else sendJson(response, 200, shown(run));
        },
      ],
    ];
  }

  get #modelHandle(): string {
    return `openai-proxy/${this.#options.modelName}`;
  }

  async answer(request: string, query: URLSearchParams, body: object, response: ServerResponse): Promise<void> {
    for (const [pattern, route] of this.#routes) {
      const [, ...ids] = pattern.exec(request) ?? [];
      if (pattern.test(request)) return await route({ ids, query, body, response });
    }
    sendJson(response, 404, { detail: `the stand-in has no ${request}` });
  }

  #page<T extends { readonly id: string }>(items: readonly T[], query: URLSearchParams): readonly T[] {
    const after = items.findIndex(({ id }) => id === query.get("after"));
    return items.slice(after + 1, after + 1 + Number(query.get("limit") ?? 50));
  }

  #conversation(id: string, body: object, response: ServerResponse): Conversation | undefined {
    const { state } = this.#options;
    const agentId = String(Reflect.get(body, "agent_id"));
    const found = id === "default" ? state.ownConversation(agentId) : state.conversations.get(id);
    if (found !== undefined) return found;
    if (id === "default") {
      sendJson(response, 404, { detail: `Agent with ID ${agentId} not found` });
    } else if (!conversationIds.test(id)) {
      sendJson(response, 422, { detail: "[{'type': 'string_pattern_mismatch', 'loc': ('path', 'conversation_id')}]" });
    } else sendJson(response, 404, { detail: `Conversation not found with id='['${id}']'` });
    return undefined;
  }

  async #send(id: string, body: object, response: ServerResponse): Promise<void> {
    const { state, oddities, redis } = this.#options;
    const parsed = message.safeParse(body);
    if (!parsed.success) return sendJson(response, 422, { detail: parsed.error.message });
    const { background, messages } = parsed.data;
    const [input] = messages;
    const conversation = this.#conversation(id, body, response);
    const agent = state.agents.get(conversation?.agentId ?? "");
    if (conversation === undefined || agent === undefined) return;
    if (background && !redis)
      return sendJson(response, 503, { detail: "Background streaming requires Redis to be running." });
    const known = state.runs.get(state.runByOtid.get(input.otid ?? "") ?? "");
    const isReplayed = background ? oddities.repeatsAreReplayed : !oddities.foregroundRepeatsRun;
    if (known !== undefined && isReplayed) return await play(known, response, 0, oddities);
    const locking = state.locks.get(conversation.id);
    if (redis && oddities.busyIsRefused && locking !== undefined) {
      const detail = `CONFLICT: Cannot send a new message: Another request (run_id=${locking}) is currently being processed for this conversation.`;
      return sendJson(response, 409, { detail, run_id: locking });
    }
    if (!oddities.pendingFailsInStream && "role" in input && waitingCalls(conversation).length > 0) {
      const detail = { code: "PENDING_APPROVAL", message: "The agent is waiting for approval on a tool call." };
      return sendJson(response, 409, { detail });
    }
    const run = state.addRun(conversation, background);
    state.locks.set(conversation.id, run.id);
    if (input.otid !== undefined) state.runByOtid.set(input.otid, run.id);
    append(run, { message_type: "ping" });
    const say = (frame: object, event?: "error") => append(run, frame, event);
    const worked = work(agent, conversation, run, inputOf(input), say, this.#options).then(
      () => {
        if (!this.#options.life.aborted) finish(run);
      },
      (error: unknown) => {
        if (!this.#options.life.aborted) throw error;
      },
    );
    await Promise.all([worked, play(run, response, 0, oddities)]);
  }

  #stream(body: object, response: ServerResponse): Promise<void> | void {
    const { state, oddities, redis } = this.#options;
    if (!redis) return sendJson(response, 503, { detail: "Background streaming requires Redis to be running." });
    const { otid, run_id, starting_after } = streamed.parse(body);
    const run = state.runs.get(run_id ?? state.runByOtid.get(otid ?? "") ?? "");
    if (run === undefined) return sendJson(response, 404, { detail: `No run found for otid=${otid}.` });
    return play(run, response, starting_after, oddities);
  }

  #history(id: string, query: URLSearchParams, response: ServerResponse): void {
    const { state, oddities } = this.#options;
    const isUnknown = conversationIds.test(id) && !state.conversations.has(id);
    if (isUnknown && oddities.unknownHistoryIsEmpty) return sendJson(response, 200, []);
    const conversation = this.#conversation(id, Object.fromEntries(query), response);
    if (conversation === undefined) return;
    const entries = conversation.messages.map(({ entry }) => entry);
    // With `desc` the cursor does not page.
    if (query.get("order") === "asc") sendJson(response, 200, this.#page(entries, query));
    else {
      const newest = entries.slice(-Number(query.get("limit") ?? 100));
      sendJson(response, 200, id === "default" && oddities.ownHistoryIsAscending ? newest : newest.reverse());
    }
  }

  #cancel(body: object, response: ServerResponse): void {
    const { state } = this.#options;
    for (const id of z.object({ run_ids: z.array(z.string()) }).parse(body).run_ids) {
      const run = state.runs.get(id);
      if (run?.status === "running") state.end(run, "cancelled", "cancelled");
    }
    sendJson(response, 200, {});
  }
}

function shownAgent({ id, name, model, tools }: Agent, withTools: boolean): object {
  const all = [...tools];
  return {
    id,
    name,
    model,
    llm_config: { handle: model },
    // Relations are empty unless they are asked for.
    tools: withTools ? all.map(([tool, { type }]) => ({ id: `tool-${tool}`, name: tool, tool_type: type })) : [],
    tool_rules: all
      .filter(([, { needsApproval }]) => needsApproval)
      .map(([tool]) => ({ type: "requires_approval", tool_name: tool })),
  };
}

function shown({ id, status, stopReason, background, createdAt }: Run): object {
  return { id, status, stop_reason: stopReason ?? null, background, created_at: createdAt };
}

function inputOf(input: z.infer<typeof message>["messages"][0]): Input {
  if ("role" in input) return { type: "message", text: input.content, otid: input.otid ?? "" };
  const approvals = input.approvals.map(({ tool_call_id: id, approve, reason = "none" }) => ({ id, approve, reason }));
  return { type: "approval", approvals };
}
