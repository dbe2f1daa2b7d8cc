import type { FastifyReply, FastifyRequest } from "fastify";
import { z } from "zod";
import type { Call } from "../../commands/command.ts";
import { agentReference } from "../../commands/reference.ts";
import type { Callers } from "./callers.ts";
import type { CommandSet } from "./correspondence.ts";
import { refusedBody } from "./failures.ts";
import type { FormerOptions } from "./options.ts";
import { answers, goneOf, type Scope } from "./scope.ts";

const agents = z.object({
  agents: z.array(
    z.object({
      agentId: z.string(),
      name: z.string().optional(),
      userId: z.string(),
      roomId: z.string().optional(),
      regions: z.record(z.string(), z.string()),
    }),
  ),
});
type Agent = z.output<typeof agents>["agents"][number];

const place = {
  agent_id: z.string(),
  agent_name: z.string(),
  matrix_user_id: z.string(),
  room_id: z.string().nullable(),
  room_created: z.boolean(),
  /** Whom the older system had invited, which it kept; the room itself tells that now. */
  invitation_status: z.record(z.string(), z.string()),
};
const mappings = z.object({
  success: z.literal(true),
  message: z.string(),
  mappings: z.record(z.string(), z.object(place)),
});
const mapping = z.object({ success: z.literal(true), ...place });
const noRoom = z.object({ detail: z.string() });

const provisioning = z.object({
  status: z.enum(["healthy", "degraded", "unhealthy"]),
  total_agents: z.number(),
  agents_with_rooms: z.number(),
  agents_missing_rooms: z.array(z.object({ agent_id: z.string(), agent_name: z.string() })),
  missing_count: z.number(),
});
/** Agents without a room from which on it is unhealthy. */
const manyMissing = 4;

const newAgent = z.object({
  agent_id: agentReference,
  timestamp: z.union([z.string(), z.number()]).nullish(),
});
const listedNow = z.object({ success: z.literal(true), message: z.string(), timestamp: z.string() });

/** Which agents there are, where their rooms are, and the word that there is a new one. */
export function agentRoutes(scope: Scope, options: FormerOptions, callers: Callers, commands: CommandSet): void {
  const before = {
    preValidation: async (request: FastifyRequest) => {
      callers.principalOf(request);
    },
  };
  const callOf = (request: FastifyRequest, reply: FastifyReply): Call => {
    const { principal } = callers.principalOf(request);
    return { principal, requestId: request.id, signal: goneOf(reply) };
  };
  const present = async (request: FastifyRequest, reply: FastifyReply): Promise<readonly Agent[]> =>
    (await commands.ask("agents", {}, agents, callOf(request, reply))).agents.filter((agent) => !isAway(agent));

  scope.get(
    "/agents/mappings",
    {
      ...before,
      schema: { summary: "All agents with their rooms.", tags: ["former"], response: answers(mappings, refusedBody) },
    },
    async (request, reply) => {
      const all = await present(request, reply);
      const found = Object.fromEntries(all.map((agent) => [agent.agentId, placeOf(agent)]));
      return { success: true as const, message: `${all.length} agents`, mappings: found };
    },
  );

  scope.get(
    "/agents/:id/room",
    {
      ...before,
      schema: {
        summary: "An agent's room.",
        tags: ["former"],
        params: z.object({ id: agentReference }),
        response: answers(mapping, z.union([refusedBody, noRoom])),
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      const agent = (await present(request, reply)).find(({ agentId }) => agentId === id);
      if (agent?.roomId === undefined) return reply.code(404).send({ detail: "This agent has no room" });
      return { success: true as const, ...placeOf(agent) };
    },
  );

  scope.get(
    "/health/agent-provisioning",
    {
      ...before,
      schema: {
        summary: "How many agents have their rooms.",
        tags: ["former"],
        response: answers(provisioning, refusedBody),
      },
    },
    async (request, reply) => {
      const all = await present(request, reply);
      const missing = all.filter(({ roomId }) => roomId === undefined);
      const status: z.output<typeof provisioning>["status"] =
        missing.length === 0 ? "healthy" : missing.length < manyMissing ? "degraded" : "unhealthy";
      return {
        status,
        total_agents: all.length,
        agents_with_rooms: all.length - missing.length,
        agents_missing_rooms: missing.map(({ agentId, name = agentId }) => ({ agent_id: agentId, agent_name: name })),
        missing_count: missing.length,
      };
    },
  );

  scope.post(
    "/webhook/new-agent",
    {
      ...before,
      schema: {
        summary: "Tells that there is a new agent, so that Letta is asked for its agents now.",
        tags: ["former"],
        body: newAgent,
        response: answers(listedNow, refusedBody),
      },
    },
    async (request, reply) => {
      const { isTrusted } = callers.principalOf(request);
      const call = callOf(request, reply);
      // What the key stands for is this one command, and not the scope that it is part of.
      const scopes = isTrusted ? new Set([...call.principal.scopes, "admin:control" as const]) : call.principal.scopes;
      const found = z.object({ fresh: z.number() });
      const { fresh } = await commands.ask("discovery.run", {}, found, {
        ...call,
        principal: { ...call.principal, scopes },
      });
      const message = `Letta's agents have been listed: ${fresh} new`;
      return { success: true as const, message, timestamp: new Date(options.clock.now()).toISOString() };
    },
  );
}

/** One that is gone, or left out by the configuration, needs no room. */
function isAway({ regions }: Agent): boolean {
  return /^(retir|disabled)/.test(regions["life"] ?? "");
}

function placeOf({ agentId, name = agentId, userId, roomId }: Agent): z.output<z.ZodObject<typeof place>> {
  return {
    agent_id: agentId,
    agent_name: name,
    matrix_user_id: userId,
    room_id: roomId ?? null,
    room_created: roomId !== undefined,
    invitation_status: {},
  };
}
