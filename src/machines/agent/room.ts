import { and, not, raise } from "xstate";
import { askForSpace, linkInput } from "./context.ts";
import { agentSetup } from "./setup.ts";

/** The agent's own room: found or made, in the space, with its people invited. */
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
      initial: "resolving",
      always: { guard: not("isStaying"), target: "offline" },
      onDone: { target: "ready", actions: { type: "goOn", params: { region: "room" } } },
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
                actions: [
                  { type: "setRoom", params: ({ event }) => event.output },
                  { type: "goOn", params: { region: "room" } },
                ],
              },
              { target: "creating" },
            ],
            onError: {
              target: "#agent.room.troubled",
              actions: { type: "fail", params: ({ event }) => ({ region: "room" as const, event }) },
            },
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
            onDone: {
              target: "linking",
              actions: [
                { type: "setRoom", params: ({ event }) => event.output },
                { type: "goOn", params: { region: "room" } },
              ],
            },
            onError: [
              {
                guard: { type: "isTaken", params: ({ event }) => event },
                target: "taken",
                actions: { type: "fail", params: ({ event }) => ({ region: "room" as const, event }) },
              },
              {
                target: "#agent.room.troubled",
                actions: { type: "fail", params: ({ event }) => ({ region: "room" as const, event }) },
              },
            ],
          },
        },
        /** Most likely by this agent itself, before a crash: resolving tells. */
        taken: { after: { roomRetry: "resolving" } },
        linking: {
          invoke: {
            id: "linkToSpace",
            src: "linkToSpace",
            input: ({ context }) => linkInput(context),
            onDone: { target: "inviting", actions: { type: "goOn", params: { region: "room" } } },
            onError: {
              target: "#agent.room.troubled",
              actions: { type: "fail", params: ({ event }) => ({ region: "room" as const, event }) },
            },
          },
        },
        inviting: {
          invoke: {
            id: "invitePeople",
            src: "invitePeople",
            input: ({ context: { userId, roomId = "" } }) => ({ userId, roomId }),
            onDone: "done",
            onError: {
              target: "#agent.room.troubled",
              actions: { type: "fail", params: ({ event }) => ({ region: "room" as const, event }) },
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
          guard: { type: "isTokenOld", params: { region: "room" } },
          target: "renewing",
        },
        { guard: { type: "isTokenRefused", params: { region: "room" } }, target: "renewingLater" },
        { guard: { type: "isLasting", params: { region: "room" } }, target: "mending" },
        { target: "backingOff" },
      ],
    },
    renewing: {
      entry: raise({ type: "TOKEN_REFUSED" }),
      always: { guard: not("isOnline"), target: "offline" },
    },
    renewingLater: { always: { guard: not("isStaying"), target: "offline" }, after: { roomRetry: "renewing" } },
    backingOff: { always: { guard: "isLeaving", target: "offline" }, after: { roomRetry: "provisioning.interrupted" } },
    mending: { always: { guard: "isLeaving", target: "offline" }, after: { mendingCheck: "provisioning.interrupted" } },
    ready: { always: { guard: "isLeaving", target: "offline" } },
  },
});
