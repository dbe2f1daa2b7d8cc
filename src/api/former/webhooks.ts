import { hash } from "node:crypto";
import type { FastifyRequest } from "fastify";
import { z } from "zod";
import { assertOwn } from "../../commands/access/bound.ts";
import type { Principal } from "../../commands/access/principal.ts";
import { audited } from "../../commands/command.ts";
import { registeredFor } from "../../commands/outside/outside-runs.ts";
import { reference } from "../../commands/reference.ts";
import type { Callers } from "./callers.ts";
import type { CommandSet } from "./correspondence.ts";
import { Refused, refusedWebhook } from "./failures.ts";
import type { FormerOptions } from "./options.ts";
import { answers, goneOf, type Scope } from "./scope.ts";
import { isSigned } from "./secrets.ts";

const id = reference.min(1).max(255);
const text = z.string().max(1_000_000);

const content = z.union([text, z.array(z.object({ type: z.string(), text: text.optional() })).max(1_000)]);

const ended = z.object({
  id,
  event_type: z.string().max(255),
  agent_id: id,
  timestamp: z.union([z.string().max(64), z.number()]).nullish(),
  data: z.object({
    run_id: id.nullish(),
    stop_reason: z.string().max(255).nullish(),
    messages: z
      .array(z.object({ message_type: z.string(), content: content.nullish() }))
      .max(10_000)
      .default([]),
  }),
});

const taken = z.object({
  success: z.literal(true),
  agent_id: z.string(),
  /** Whether it stands in the agent's room because of this. */
  posted: z.boolean(),
  event_id: z.string().optional(),
  reason: z.string().optional(),
});

const registration = z.object({
  agent_id: id,
  room_id: z.string().max(255).nullish(),
  event_id: z.string().max(255).nullish(),
});
const registered = z.object({ success: z.literal(true), agent_id: z.string(), expires_in: z.number() });

/** Bytes: it holds all messages of the run. */
const largestRun = 8 * 1024 * 1024;
const completed = "agent.run.completed";

/** What Letta tells of runs that have ended, and who else will bring their answers into Matrix. */
export function webhookRoutes(scope: Scope, options: FormerOptions, callers: Callers, commands: CommandSet): void {
  const bodies = rawBodies(scope);
  const { webhookSecret } = options.access;

  scope.post(
    "/webhooks/letta/agent-response",
    {
      bodyLimit: largestRun,
      preValidation: async (request) => {
        senderOf(request);
      },
      schema: {
        summary: "Letta tells that a run has ended: what was said in it outside of Matrix is posted once.",
        tags: ["former"],
        body: ended,
        response: answers(taken, refusedWebhook),
      },
    },
    async (request, reply) => {
      const signal = goneOf(reply);
      const { id, agent_id, event_type, timestamp, data } = request.body;
      const sender = senderOf(request);
      if (sender.agentId !== undefined && sender.agentId !== agent_id)
        throw new Refused(403, "This token is bound to another agent.");
      if (event_type !== completed)
        return { success: true as const, agent_id, posted: false, reason: `only ${completed} is looked at` };
      const run = {
        agentId: agent_id,
        stopReason: data.stop_reason ?? undefined,
        texts: data.messages.filter(({ message_type }) => message_type === "assistant_message").map(textOf),
        at: momentOf(timestamp),
      };
      const verdict = await options.outside.judge(run, signal);
      switch (verdict.kind) {
        case "not-to-post":
          return { success: true as const, agent_id, posted: false, reason: verdict.reason };
        case "undecided":
          // Not acknowledged: nothing is written down that would bring it into the room later.
          throw new Refused(503, `Send it again later: ${verdict.reason}.`, verdict.retryAfterMs);
        case "outside": {
          const message = {
            room: verdict.roomId,
            text: verdict.text,
            // The same however often, by whomever, and to whichever process it is told.
            key: `letta-run-${hash("sha256", data.run_id ?? id, "base64url")}`,
          };
          const principal: Principal = { name: sender.name, agentId: agent_id, scopes: new Set(["messages:send"]) };
          const call = { principal, requestId: request.id, signal };
          const [eventId] = (await commands.ask("messages.send", message, sent, call)).events;
          return {
            success: true as const,
            agent_id,
            posted: true,
            ...(eventId !== undefined && { event_id: eventId }),
          };
        }
      }
    },
  );

  scope.post(
    "/conversations/register",
    {
      preValidation: async (request) => {
        registrarOf(request);
      },
      schema: {
        summary: "Tells that somebody else brings an agent's next answer into Matrix.",
        tags: ["former"],
        body: registration,
        response: answers(registered, refusedWebhook),
      },
    },
    async (request) => {
      const { agent_id } = request.body;
      const principal = registrarOf(request);
      const about = { command: "conversations.register", target: agent_id };
      await audited(options.audit, { principal, requestId: request.id }, about, async () => {
        assertOwn(principal, agent_id);
        options.outside.register(agent_id);
      });
      return { success: true as const, agent_id, expires_in: registeredFor / 1000 };
    },
  );

  /** Where a secret is set, only what is signed with it comes from Letta. */
  function senderOf(request: FastifyRequest): Principal {
    if (webhookSecret === undefined) return registrarOf(request);
    const header = request.headers["x-letta-signature"];
    const body = bodies.get(request) ?? new Uint8Array();
    if (typeof header !== "string" || !isSigned(header, body, webhookSecret, options.clock.now()))
      throw new Refused(401, "X-Letta-Signature is missing, too old, or not made with the secret that is configured.");
    return { name: "letta webhook", scopes: new Set(["messages:send"]) };
  }

  function registrarOf(request: FastifyRequest): Principal {
    const { principal } = callers.principalOf(request);
    if (!principal.scopes.has("messages:send"))
      throw new Refused(403, "This needs a token with the scope messages:send.");
    return principal;
  }
}

const sent = z.object({ events: z.array(z.string()) });

/** Keeps the bytes that were sent: what is signed is these, and not what they mean. */
function rawBodies(scope: Scope): WeakMap<FastifyRequest, Buffer> {
  const bodies = new WeakMap<FastifyRequest, Buffer>();
  const parse = scope.getDefaultJsonParser("error", "error");
  scope.removeContentTypeParser("application/json");
  scope.addContentTypeParser("application/json", { parseAs: "buffer" }, (request, body, done) => {
    const bytes = Buffer.from(body);
    bodies.set(request, bytes);
    void parse(request, bytes.toString("utf8"), done);
  });
  return bodies;
}

function textOf({ content }: z.output<typeof ended>["data"]["messages"][number]): string {
  if (typeof content === "string") return content;
  return (content ?? []).flatMap(({ type, text = "" }) => (type === "text" ? [text] : [])).join("");
}

/** In whichever way it is written; seconds where a number is too small for milliseconds. */
function momentOf(timestamp: string | number | null | undefined): number | undefined {
  if (timestamp == null) return undefined;
  const moment = typeof timestamp === "number" ? timestamp * (timestamp < 1e11 ? 1000 : 1) : Date.parse(timestamp);
  return Number.isFinite(moment) ? moment : undefined;
}
