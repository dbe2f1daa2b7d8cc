import { assign, setup } from "xstate";
import type { ActorId } from "../runtime/actor-id.ts";
import type { Tell } from "../runtime/step.ts";
import { addressOf } from "./addresses.ts";
import { effect } from "./placeholder.ts";
import { remind } from "./reminder.ts";
import { backoff, timeOf, type Wait, waitFor } from "./wait.ts";

/**
 * Lets everybody look at what is theirs from time to time: one pass over all agents, a few at a time and spread over the
 * whole interval, then the space. What nobody has told us of is found that way.
 */

export interface AuditInput {
  readonly server: string;
  /** Milliseconds before the very first look. */
  readonly pause: number;
}

export interface AuditContext extends AuditInput {
  /** The last agent of this pass that was told to look; none at its beginning. */
  readonly after: ActorId | null;
  /** Milliseconds to the next ones, as the last look brought it. */
  readonly pause: number;
  readonly tries: number;
  readonly wait?: Wait | undefined;
}

export interface Batch {
  readonly agents: readonly ActorId[];
  /** True when nobody comes after them. */
  readonly isLast: boolean;
  /** Of the records of these, and of the space's: what names what each is told. */
  readonly revisions: Readonly<Record<string, number>>;
  readonly pause: number;
}

export const auditMachine = setup({
  types: {
    input: {} as AuditInput,
    context: {} as AuditContext,
    /** Only wakes it: it goes by its own clock. */
    events: {} as { readonly type: "WAKE" },
  },
  actors: { nextAgents: effect<Batch, { after: ActorId | null }>() },
  actions: {
    tell: (_, _params: Tell | readonly Tell[]) => undefined,
    proceed: assign((_, { agents, isLast, pause }: Batch) => ({
      after: isLast ? null : (agents.at(-1) ?? null),
      pause,
      tries: 0,
      wait: undefined,
    })),
    fail: assign(({ context: { wait, tries } }, event: { readonly error: unknown }) => ({
      wait: waitFor(event, wait),
      tries: tries + 1,
    })),
  },
  delays: {
    pause: ({ context }) => context.pause,
    retry: ({ context }) => backoff(context.tries),
  },
}).createMachine({
  id: "audit",
  version: "1",
  options: { maxIterations: 100 },
  context: ({ input }) => ({ ...input, after: null, tries: 0 }),
  initial: "waiting",
  states: {
    waiting: { after: { pause: "looking" } },
    looking: {
      invoke: {
        id: "nextAgents",
        src: "nextAgents",
        input: ({ context: { after } }) => ({ after }),
        onDone: {
          target: "waiting",
          actions: [
            { type: "tell", params: ({ context, event }) => letLook(context, event.output, timeOf(event)) },
            { type: "proceed", params: ({ event }) => event.output },
          ],
        },
        onError: { target: "backingOff", actions: { type: "fail", params: ({ event }) => event } },
      },
    },
    backingOff: { after: { retry: "looking" } },
  },
});

function letLook({ server }: AuditContext, { agents, isLast, revisions }: Batch, now: number): Tell[] {
  const all = isLast ? [...agents, addressOf.space(server)] : agents;
  return all.map((to) => remind({ to, event: { type: "INSPECT" }, revision: revisions[to] }, now));
}
