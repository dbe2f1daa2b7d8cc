import { and, assign, not, raise, setup, stateIn } from "xstate";
import type { ActorId } from "../runtime/actor-id.ts";
import type { Tell } from "../runtime/step.ts";
import { addressOf } from "./addresses.ts";
import { effect } from "./placeholder.ts";
import type { Heard } from "./question.ts";
import { backoff, failureOf, type Wait, waitFor } from "./wait.ts";

/** One Letta agent's presence on Matrix: its account, its room, and what it hears. */

export interface AgentInput {
  readonly server: string;
  readonly agentId: string;
  readonly userId: string;
}

export interface AgentContext extends AgentInput {
  /** The agent's name in Letta; known once discovery has told it. */
  readonly name?: string;
  readonly spaceId?: string;
  readonly roomId?: string;
  /** The sync cursor: everything up to it has been handed on. */
  readonly since?: string;
  /** True when the homeserver refused the stored access token. */
  readonly tokenRefused: boolean;
  /** What last went wrong, until something goes well again. */
  readonly trouble?: Trouble | undefined;
  readonly wait?: Wait | undefined;
}

/** Failed tries, and what decides how to go on. */
export interface Trouble {
  readonly kind: string;
  readonly tries: number;
  readonly retryAfterMs: number;
}

export type AgentEvent =
  | { readonly type: "DISCOVERED"; readonly name: string }
  | { readonly type: "SPACE_READY"; readonly spaceId: string }
  | { readonly type: "TOKEN_REFUSED" };

export interface PollInput {
  readonly userId: string;
  readonly roomId: string;
  readonly since?: string;
}

export interface Polled {
  /** The cursor that passes everything in `heard`. */
  readonly since: string;
  /** In the order in which the rooms' timelines have it. */
  readonly heard: readonly Heard[];
}

const lasting: ReadonlySet<string> = new Set(["forbidden", "refused", "unsupported", "taken", "squatted", "missing"]);

export const agentMachine = setup({
  types: { input: {} as AgentInput, context: {} as AgentContext, events: {} as AgentEvent },
  actors: {
    ensureAccount: effect<void, { userId: string; name: string; renew: boolean }>(),
    resolveRoom: effect<{ roomId: string | null }, { userId: string; agentId: string }>(),
    createRoom: effect<{ roomId: string }, { userId: string; agentId: string; name: string; spaceId: string }>(),
    linkToSpace: effect<void, { userId: string; roomId: string; spaceId: string }>(),
    invitePeople: effect<void, { userId: string; roomId: string }>(),
    /** The first look: what a new cursor passes, less what was said before the agent was there or was answered. */
    catchUp: effect<Polled, PollInput>(),
    /** Resolves as soon as there is something to hand on. */
    poll: effect<Polled, PollInput>(),
  },
  actions: {
    tell: (_, _params: Tell | readonly Tell[]) => undefined,
    setName: assign((_, { name }: { name: string }) => ({ name })),
    setSpace: assign((_, { spaceId }: { spaceId: string }) => ({ spaceId })),
    setRoom: assign((_, { roomId }: { roomId: string | null }) => (roomId === null ? {} : { roomId })),
    advance: assign((_, { since }: { since: string }) => ({ since })),
    refuseToken: assign(() => ({ tokenRefused: true })),
    renewed: assign(() => ({ tokenRefused: false })),
    fail: assign(({ context: { wait, trouble } }, event: { readonly error: unknown }) => {
      const { kind = "", retryAfterMs = 0 } = failureOf(event);
      return { wait: waitFor(event, wait), trouble: { kind, tries: (trouble?.tries ?? 0) + 1, retryAfterMs } };
    }),
    goOn: assign(() => ({ wait: undefined, trouble: undefined })),
  },
  guards: {
    isNamed: ({ context }) => context.name !== undefined,
    knowsSpace: ({ context }) => context.spaceId !== undefined,
    hasCursor: ({ context }) => context.since !== undefined,
    isThere: (_, { roomId }: { roomId: string | null }) => roomId !== null,
    /** Only a person can end it; it is tried again from time to time all the same. */
    isLasting: ({ context: { trouble } }) => lasting.has(trouble?.kind ?? ""),
    isTokenRefused: ({ context: { trouble } }) => trouble?.kind === "token",
    isOnline: stateIn({ account: "online" }),
    hasRoom: stateIn({ room: "ready" }),
  },
  delays: {
    accountRetry: ({ context: { trouble } }) => backoff(trouble?.tries ?? 1, trouble?.retryAfterMs),
    roomRetry: ({ context: { trouble } }) => backoff(trouble?.tries ?? 1, trouble?.retryAfterMs),
    intakeRetry: ({ context: { trouble } }) => backoff(trouble?.tries ?? 1, trouble?.retryAfterMs),
    mendingCheck: 600_000,
  },
}).createMachine({
  id: "agent",
  version: "1",
  options: { maxIterations: 100 },
  context: ({ input }) => ({ ...input, tokenRefused: false }),
  type: "parallel",
  on: {
    DISCOVERED: { actions: { type: "setName", params: ({ event }) => event } },
    SPACE_READY: { actions: { type: "setSpace", params: ({ event }) => event } },
  },
  states: {
    account: {
      initial: "unnamed",
      states: {
        unnamed: { always: { guard: "isNamed", target: "registering" } },
        registering: {
          invoke: {
            id: "ensureAccount",
            src: "ensureAccount",
            input: ({ context: { userId, name = userId, tokenRefused } }) => ({ userId, name, renew: tokenRefused }),
            onDone: { target: "online", actions: ["renewed", "goOn"] },
            onError: { target: "troubled", actions: { type: "fail", params: ({ event }) => event } },
          },
        },
        troubled: { always: [{ guard: "isLasting", target: "refused" }, { target: "backingOff" }] },
        backingOff: { after: { accountRetry: "registering" } },
        refused: { after: { mendingCheck: "registering" } },
        online: { on: { TOKEN_REFUSED: { target: "registering", actions: "refuseToken" } } },
      },
    },
    room: {
      initial: "offline",
      states: {
        offline: { always: { guard: "isOnline", target: "seekingSpace" } },
        seekingSpace: {
          entry: { type: "tell", params: ({ context }) => askForSpace(context) },
          always: { guard: "knowsSpace", target: "provisioning" },
        },
        provisioning: {
          initial: "resolving",
          onDone: { target: "ready", actions: "goOn" },
          states: {
            resolving: {
              invoke: {
                id: "resolveRoom",
                src: "resolveRoom",
                input: ({ context: { userId, agentId } }) => ({ userId, agentId }),
                onDone: [
                  {
                    guard: { type: "isThere", params: ({ event }) => event.output },
                    target: "linking",
                    actions: { type: "setRoom", params: ({ event }) => event.output },
                  },
                  { target: "creating" },
                ],
                onError: { target: "#agent.room.troubled", actions: { type: "fail", params: ({ event }) => event } },
              },
            },
            creating: {
              invoke: {
                id: "createRoom",
                src: "createRoom",
                input: ({ context: { userId, agentId, name = userId, spaceId = "" } }) => ({
                  userId,
                  agentId,
                  name,
                  spaceId,
                }),
                onDone: { target: "linking", actions: { type: "setRoom", params: ({ event }) => event.output } },
                onError: { target: "#agent.room.troubled", actions: { type: "fail", params: ({ event }) => event } },
              },
            },
            linking: {
              invoke: {
                id: "linkToSpace",
                src: "linkToSpace",
                input: ({ context: { userId, roomId = "", spaceId = "" } }) => ({ userId, roomId, spaceId }),
                onDone: "inviting",
                onError: { target: "#agent.room.troubled", actions: { type: "fail", params: ({ event }) => event } },
              },
            },
            inviting: {
              invoke: {
                id: "invitePeople",
                src: "invitePeople",
                input: ({ context: { userId, roomId = "" } }) => ({ userId, roomId }),
                onDone: "done",
                onError: { target: "#agent.room.troubled", actions: { type: "fail", params: ({ event }) => event } },
              },
            },
            done: { type: "final" },
            interrupted: { type: "history" },
          },
        },
        troubled: {
          always: [
            { guard: "isTokenRefused", target: "renewing" },
            { guard: "isLasting", target: "mending" },
            { target: "backingOff" },
          ],
        },
        renewing: {
          entry: raise({ type: "TOKEN_REFUSED" }),
          always: { guard: not("isOnline"), target: "offline" },
        },
        backingOff: { after: { roomRetry: "provisioning.interrupted" } },
        mending: { after: { mendingCheck: "provisioning.interrupted" } },
        ready: {},
      },
    },
    intake: {
      initial: "deaf",
      states: {
        deaf: {
          always: [
            { guard: and(["hasRoom", "isOnline", "hasCursor"]), target: "polling" },
            { guard: and(["hasRoom", "isOnline"]), target: "catchingUp" },
          ],
        },
        catchingUp: {
          invoke: {
            id: "catchUp",
            src: "catchUp",
            input: ({ context }) => pollInput(context),
            onDone: {
              target: "polling",
              actions: [
                { type: "advance", params: ({ event }) => event.output },
                { type: "tell", params: ({ context, event }) => handOn(context, event.output) },
                "goOn",
              ],
            },
            onError: { target: "troubled", actions: { type: "fail", params: ({ event }) => event } },
          },
        },
        polling: {
          invoke: {
            id: "poll",
            src: "poll",
            input: ({ context }) => pollInput(context),
            onDone: {
              target: "polling",
              reenter: true,
              actions: [
                { type: "advance", params: ({ event }) => event.output },
                { type: "tell", params: ({ context, event }) => handOn(context, event.output) },
                "goOn",
              ],
            },
            onError: { target: "troubled", actions: { type: "fail", params: ({ event }) => event } },
          },
        },
        troubled: { always: [{ guard: "isTokenRefused", target: "renewing" }, { target: "backingOff" }] },
        renewing: {
          entry: raise({ type: "TOKEN_REFUSED" }),
          always: { guard: not("isOnline"), target: "deaf" },
        },
        backingOff: { after: { intakeRetry: "deaf" } },
      },
    },
  },
});

function pollInput({ userId, roomId = "", since }: AgentContext): PollInput {
  return { userId, roomId, ...(since !== undefined && { since }) };
}

function askForSpace({ server, agentId }: AgentContext): Tell {
  return { to: addressOf.space(server), event: { type: "SPACE_WANTED", asker: addressOf.agent(server, agentId) } };
}

function handOn({ server, agentId }: AgentContext, { heard }: Polled): Tell[] {
  return heard.map((one) => tellConversation(addressOf.conversation(server, agentId, one.roomId), one));
}

function tellConversation(to: ActorId, heard: Heard): Tell {
  return heard.kind === "question"
    ? { to, id: heard.question.eventId, event: { type: "MESSAGE", question: heard.question } }
    : { to, id: heard.eventId, event: { type: "EDITED", edits: heard.edits, text: heard.text } };
}
