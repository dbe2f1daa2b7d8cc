import { not, raise } from "xstate";
import { closeAll } from "./context.ts";
import { agentSetup } from "./setup.ts";

/**
 * Whether Letta still has the agent. It is retired only when a second complete listing is without it, and not before its
 * grace is over: half a list, or a Letta that forgot its agents for an hour, removes nobody. Who comes back hears the
 * event that brings it back once more, alive: what it says besides is not this region's concern.
 */
export const life = agentSetup.createStateConfig({
  initial: "live",
  states: {
    live: {
      on: {
        MISSED: { target: "missing", actions: "beginMissing" },
        DISABLED: "disabled",
      },
    },
    missing: {
      on: {
        DISCOVERED: { target: "live", actions: ["endMissing", raise(({ event }) => event)] },
        MISSED: { guard: { type: "isGraceOver", params: ({ event }) => event }, target: "retiring" },
        DISABLED: { target: "disabled", actions: "endMissing" },
      },
    },
    /** Everything stays as it is, but the agent hears nothing. What is said meanwhile it hears when it is back. */
    disabled: {
      entry: { type: "goOn", params: { concern: "intake" } },
      on: {
        DISCOVERED: { target: "live", actions: raise(({ event }) => event) },
        MISSED: { target: "missing", actions: "beginMissing" },
      },
    },
    retiring: {
      initial: "beginning",
      entry: "leaveTroubles",
      states: {
        beginning: {
          always: [
            { guard: not("hasRoom"), target: "#agent.life.retired" },
            { guard: "isOnline", target: "working" },
          ],
        },
        offline: { always: { guard: "isOnline", target: "working.interrupted" } },
        working: {
          initial: "listing",
          always: { guard: not("isOnline"), target: "offline" },
          onDone: { target: "#agent.life.retired", actions: { type: "goOn", params: { concern: "life" } } },
          states: {
            listing: {
              invoke: {
                id: "listConversations",
                src: "listConversations",
                input: ({ context: { agentId } }) => ({ agentId }),
                onDone: {
                  target: "closing",
                  actions: { type: "tell", params: ({ context, event }) => closeAll(event.output, context) },
                },
                onError: {
                  target: "#agent.life.retiring.troubled",
                  actions: { type: "fail", params: ({ event }) => ({ concern: "life" as const, event }) },
                },
              },
            },
            /** Who has asked something gets an answer or an error, before the agent cannot speak there any more. */
            closing: {
              invoke: {
                id: "awaitClosed",
                src: "awaitClosed",
                input: ({ context: { agentId } }) => ({ agentId }),
                onDone: { target: "marking", actions: { type: "goOn", params: { concern: "life" } } },
                onError: {
                  target: "#agent.life.retiring.troubled",
                  actions: { type: "fail", params: ({ event }) => ({ concern: "life" as const, event }) },
                },
              },
            },
            marking: {
              invoke: {
                id: "markRetired",
                src: "markRetired",
                input: ({ context: { userId, agentId, roomId = "", name = userId } }) => ({
                  userId,
                  agentId,
                  roomId,
                  name,
                }),
                onDone: { target: "releasing", actions: { type: "goOn", params: { concern: "life" } } },
                onError: {
                  target: "#agent.life.retiring.troubled",
                  actions: { type: "fail", params: ({ event }) => ({ concern: "life" as const, event }) },
                },
              },
            },
            releasing: {
              invoke: {
                id: "releaseAlias",
                src: "releaseAlias",
                input: ({ context: { userId, agentId, roomId = "" } }) => ({ userId, agentId, roomId }),
                onDone: { target: "unlinking", actions: { type: "goOn", params: { concern: "life" } } },
                onError: {
                  target: "#agent.life.retiring.troubled",
                  actions: { type: "fail", params: ({ event }) => ({ concern: "life" as const, event }) },
                },
              },
            },
            unlinking: {
              invoke: {
                id: "unlinkRoom",
                src: "unlinkRoom",
                input: ({ context: { userId, roomId = "", spaceId = "" } }) => ({ userId, roomId, spaceId }),
                onDone: { target: "leaving", actions: { type: "goOn", params: { concern: "life" } } },
                onError: {
                  target: "#agent.life.retiring.troubled",
                  actions: { type: "fail", params: ({ event }) => ({ concern: "life" as const, event }) },
                },
              },
            },
            leaving: {
              invoke: {
                id: "leaveRoom",
                src: "leaveRoom",
                input: ({ context: { userId, roomId = "", spaceId = "" } }) => ({ userId, roomId, spaceId }),
                onDone: { target: "detaching", actions: { type: "goOn", params: { concern: "life" } } },
                onError: {
                  target: "#agent.life.retiring.troubled",
                  actions: { type: "fail", params: ({ event }) => ({ concern: "life" as const, event }) },
                },
              },
            },
            detaching: {
              invoke: {
                id: "detachTools",
                src: "detachTools",
                input: ({ context: { agentId } }) => ({ agentId }),
                onDone: "done",
                onError: {
                  target: "#agent.life.retiring.troubled",
                  actions: { type: "fail", params: ({ event }) => ({ concern: "life" as const, event }) },
                },
              },
            },
            done: { type: "final" },
            interrupted: { type: "history" },
          },
        },
        troubled: {
          always: [
            { guard: { type: "isTokenOld", params: { concern: "life" } }, target: "renewing" },
            { guard: { type: "isTokenRefused", params: { concern: "life" } }, target: "renewingLater" },
            { guard: { type: "isLasting", params: { concern: "life" } }, target: "mending" },
            { target: "backingOff" },
          ],
        },
        renewing: {
          entry: raise({ type: "TOKEN_REFUSED" }),
          always: { guard: not("isOnline"), target: "offline" },
        },
        renewingLater: { always: { guard: not("isOnline"), target: "offline" }, after: { lifeRetry: "renewing" } },
        backingOff: { after: { lifeRetry: "working.interrupted" } },
        mending: { after: { mendingCheck: "working.interrupted" } },
      },
    },
    /** Its user stays. When Letta has the agent again, it gets a new room. */
    retired: {
      entry: ["forgetRoom", "endMissing"],
      on: { DISCOVERED: { target: "live", actions: raise(({ event }) => event) } },
    },
  },
});
