import { and, not, raise } from "xstate";
import { askForSpace, linkInput, profileInput, roomInput } from "./context.ts";
import { agentSetup } from "./setup.ts";

/**
 * The agent's own room: found or made, in the space, with its people invited. Each step of provisioning looks first and
 * writes only what is not as it should be, so that taking them all again is the repair.
 */
export const room = agentSetup.createStateConfig({
  initial: "offline",
  states: {
    offline: { always: { guard: and(["isOnline", "isServed"]), target: "seekingSpace" } },
    seekingSpace: {
      entry: { type: "tell", params: ({ context }) => askForSpace(context) },
      always: [
        { guard: not("isStaying"), target: "offline" },
        { guard: "knowsSpace", target: "provisioning" },
      ],
    },
    provisioning: {
      initial: "introducing",
      always: { guard: not("isStaying"), target: "offline" },
      onDone: [
        { guard: "isWanting", target: "mending", actions: { type: "goOn", params: { concern: "room" } } },
        { target: "ready", actions: { type: "goOn", params: { concern: "room" } } },
      ],
      states: {
        introducing: {
          entry: "looking",
          invoke: {
            id: "ensureProfile",
            src: "ensureProfile",
            input: ({ context }) => profileInput(context),
            onDone: {
              target: "resolving",
              actions: [
                { type: "setAvatar", params: ({ event }) => event.output },
                { type: "goOn", params: { concern: "profile" } },
              ],
            },
            onError: [
              {
                guard: { type: "isPassable", params: ({ event }) => event },
                target: "resolving",
                actions: { type: "fail", params: ({ event }) => ({ concern: "profile" as const, event }) },
              },
              {
                target: "#agent.room.troubled",
                actions: { type: "fail", params: ({ event }) => ({ concern: "room" as const, event }) },
              },
            ],
          },
        },
        resolving: {
          invoke: {
            id: "resolveRoom",
            src: "resolveRoom",
            input: ({ context: { userId, agentId, roomId = null } }) => ({ userId, agentId, roomId }),
            onDone: [
              {
                guard: { type: "isElsewhere", params: ({ event }) => event.output },
                target: "importing",
                actions: [
                  { type: "setRoom", params: ({ event }) => event.output },
                  raise({ type: "MOVED" }),
                  { type: "goOn", params: { concern: "room" } },
                ],
              },
              {
                guard: { type: "isThere", params: ({ event }) => event.output },
                target: "importing",
                actions: [
                  { type: "setRoom", params: ({ event }) => event.output },
                  { type: "goOn", params: { concern: "room" } },
                ],
              },
              { target: "creating" },
            ],
            onError: {
              target: "#agent.room.troubled",
              actions: { type: "fail", params: ({ event }) => ({ concern: "room" as const, event }) },
            },
          },
        },
        creating: {
          invoke: {
            id: "createRoom",
            src: "createRoom",
            input: ({ context }) => ({ ...roomInput(context), spaceId: context.spaceId ?? "" }),
            onDone: {
              target: "importing",
              actions: [
                { type: "setRoom", params: ({ event }) => event.output },
                raise({ type: "MOVED" }),
                { type: "goOn", params: { concern: "room" } },
              ],
            },
            onError: [
              {
                guard: { type: "isTaken", params: ({ event }) => event },
                target: "taken",
                actions: { type: "fail", params: ({ event }) => ({ concern: "room" as const, event }) },
              },
              {
                target: "#agent.room.troubled",
                actions: { type: "fail", params: ({ event }) => ({ concern: "room" as const, event }) },
              },
            ],
          },
        },
        /** Most likely by this agent itself, before a crash: resolving tells. */
        taken: { after: { roomRetry: "resolving" } },
        /** Before anybody is there who would be told of each line. */
        importing: {
          always: { guard: "isImported", target: "linking" },
          invoke: {
            id: "importHistory",
            src: "importHistory",
            input: ({ context: { userId, agentId, name = userId, roomId = "" } }) => ({
              userId,
              agentId,
              name,
              roomId,
            }),
            onDone: {
              target: "linking",
              actions: [
                "setImported",
                { type: "goOn", params: { concern: "room" } },
                { type: "goOn", params: { concern: "history" } },
              ],
            },
            onError: [
              {
                guard: { type: "isPassable", params: ({ event }) => event },
                target: "linking",
                actions: { type: "fail", params: ({ event }) => ({ concern: "history" as const, event }) },
              },
              {
                target: "#agent.room.troubled",
                actions: { type: "fail", params: ({ event }) => ({ concern: "room" as const, event }) },
              },
            ],
          },
        },
        linking: {
          invoke: {
            id: "linkToSpace",
            src: "linkToSpace",
            input: ({ context }) => linkInput(context),
            onDone: {
              target: "furnishing",
              actions: [
                { type: "goOn", params: { concern: "room" } },
                { type: "goOn", params: { concern: "link" } },
              ],
            },
            onError: [
              {
                guard: { type: "isPassable", params: ({ event }) => event },
                target: "furnishing",
                actions: { type: "fail", params: ({ event }) => ({ concern: "link" as const, event }) },
              },
              {
                target: "#agent.room.troubled",
                actions: { type: "fail", params: ({ event }) => ({ concern: "room" as const, event }) },
              },
            ],
          },
        },
        furnishing: {
          invoke: {
            id: "furnishRoom",
            src: "furnishRoom",
            input: ({ context }) => ({ ...roomInput(context), roomId: context.roomId ?? "" }),
            onDone: {
              target: "inviting",
              actions: [
                { type: "goOn", params: { concern: "room" } },
                { type: "goOn", params: { concern: "contents" } },
              ],
            },
            onError: [
              {
                guard: { type: "isPassable", params: ({ event }) => event },
                target: "inviting",
                actions: { type: "fail", params: ({ event }) => ({ concern: "contents" as const, event }) },
              },
              {
                target: "#agent.room.troubled",
                actions: { type: "fail", params: ({ event }) => ({ concern: "room" as const, event }) },
              },
            ],
          },
        },
        inviting: {
          invoke: {
            id: "invitePeople",
            src: "invitePeople",
            input: ({ context: { userId, roomId = "" } }) => ({ userId, roomId }),
            onDone: { target: "attaching", actions: { type: "goOn", params: { concern: "people" } } },
            onError: [
              {
                guard: { type: "isPassable", params: ({ event }) => event },
                target: "attaching",
                actions: { type: "fail", params: ({ event }) => ({ concern: "people" as const, event }) },
              },
              {
                target: "#agent.room.troubled",
                actions: { type: "fail", params: ({ event }) => ({ concern: "room" as const, event }) },
              },
            ],
          },
        },
        /** Of Letta, not of the homeserver: whatever is wrong there, the room is as it should be. */
        attaching: {
          invoke: {
            id: "attachTools",
            src: "attachTools",
            input: ({ context: { agentId } }) => ({ agentId }),
            onDone: { target: "done", actions: { type: "goOn", params: { concern: "tools" } } },
            onError: {
              target: "done",
              actions: { type: "fail", params: ({ event }) => ({ concern: "tools" as const, event }) },
            },
          },
        },
        done: { type: "final" },
        interrupted: { type: "history" },
      },
    },
    troubled: {
      always: [
        {
          guard: { type: "isTokenOld", params: { concern: "room" } },
          target: "renewing",
        },
        { guard: { type: "isTokenRefused", params: { concern: "room" } }, target: "renewingLater" },
        { guard: { type: "isLasting", params: { concern: "room" } }, target: "mending" },
        { target: "backingOff" },
      ],
    },
    renewing: {
      entry: raise({ type: "TOKEN_REFUSED" }),
      always: { guard: not("isOnline"), target: "offline" },
    },
    renewingLater: { always: { guard: not("isStaying"), target: "offline" }, after: { roomRetry: "renewing" } },
    backingOff: {
      always: { guard: "isLeaving", target: "offline" },
      on: { REPROVISION: { target: "provisioning", actions: { type: "goOn", params: { concern: "room" } } } },
      after: { roomRetry: [{ guard: "isStale", target: "provisioning" }, { target: "provisioning.interrupted" }] },
    },
    /** What this agent cannot put right itself. A change by somebody else may be the remedy. */
    mending: {
      always: [
        { guard: "isLeaving", target: "offline" },
        { guard: "isStale", target: "noticing" },
      ],
      after: { mendingCheck: "provisioning" },
    },
    ready: {
      always: [
        { guard: "isLeaving", target: "offline" },
        { guard: "isStale", target: "noticing" },
      ],
    },
    noticing: { always: { guard: "isLeaving", target: "offline" }, after: { noticed: "provisioning" } },
  },
});
