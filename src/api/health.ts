import { z } from "zod";
import type { BoundCommand, Call } from "../commands/command.ts";
import type { Clock } from "../runtime/clock.ts";
import type { HttpPart } from "./part.ts";

/** What the checks are made from. */
export interface HealthOptions {
  readonly commands: readonly BoundCommand[];
  readonly clock: Pick<Clock, "now" | "elapsed">;
}

/** Whether all goes on, and if not, for whom it does not. */
const assessment = z.object({
  verdict: z.enum(["healthy", "degraded", "failing"]),
  reasons: z.array(z.string()),
  /** The bot is logged in. */
  authenticated: z.boolean(),
  /** Letta's agents can be listed. */
  lists: z.boolean(),
});

const call: Omit<Call, "signal"> = {
  principal: { name: "health check", scopes: new Set(["admin:read"]) },
  requestId: "health check",
};

/** Longer than that nobody is ready, ms. */
const patience = 5_000;
/** All agents are gone through at each look: everybody who asks within this time is told the same, ms. */
const goodFor = 2_000;

/** `/health`, `/health/live`, `/health/ready`: for whoever restarts processes and routes requests. No token is needed. */
export function healthPart({ commands, clock }: HealthOptions): HttpPart {
  const assess = commands.find(({ name }) => name === "health");
  const assessNow = async () => {
    try {
      return assessment.parse(await assess?.execute({}, { ...call, signal: AbortSignal.timeout(patience) }));
    } catch {
      const reasons = ["nothing can be told of the actors: the store is closed, or too much waits"];
      return { verdict: "failing" as const, reasons, authenticated: false, lists: false };
    }
  };
  let last: { readonly at: number; readonly result: ReturnType<typeof assessNow> } | undefined;
  const look = () => {
    const at = clock.elapsed();
    if (last === undefined || at - last.at > goodFor) last = { at, result: assessNow() };
    return last.result;
  };
  return (server) => {
    server.get("/health/live", () => ({ status: "live" }));
    server.get("/health/ready", async (_, reply) => {
      const { verdict, reasons } = await look();
      return reply.code(verdict === "failing" ? 503 : 200).send({ status: verdict, reasons });
    });
    server.get("/health", async (_, reply) => {
      const { verdict, reasons, authenticated, lists } = await look();
      return reply.code(verdict === "failing" ? 503 : 200).send({
        status: verdict === "failing" ? "unhealthy" : verdict,
        authenticated,
        timestamp: new Date(clock.now()).toISOString(),
        agent_sync_available: lists,
        verdict,
        reasons,
      });
    });
  };
}
