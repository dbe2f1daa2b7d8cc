import { and, not, raise } from "xstate";
import { handOn, readInput } from "./context.ts";
import { withoutOwed } from "./owed.ts";
import { agentSetup } from "./setup.ts";

/** Rooms whose past could not be read when the agent looked are read afterwards, while it hears all others. */
export const arrears = agentSetup.createStateConfig({
  initial: "settled",
  states: {
    settled: { always: { guard: and(["isListening", "isOwing"]), target: "waiting" } },
    waiting: { always: { guard: not("isListening"), target: "settled" }, after: { arrearsRetry: "reading" } },
    reading: {
      entry: "beginReading",
      always: { guard: not("isListening"), target: "settled" },
      invoke: {
        id: "readOwed",
        src: "readOwed",
        input: ({ context }) => readInput(context),
        onDone: {
          target: "settled",
          actions: [
            { type: "settle", params: ({ event }) => event.output },
            {
              type: "tell",
              params: ({ context, event: { output } }) =>
                handOn(context, { heard: withoutOwed(context, output.heard) }),
            },
            { type: "goOn", params: { concern: "arrears" } },
          ],
        },
        onError: {
          target: "troubled",
          actions: [
            { type: "putOff", params: ({ event }) => event },
            { type: "fail", params: ({ event }) => ({ concern: "arrears" as const, event }) },
          ],
        },
      },
    },
    troubled: {
      always: [
        { guard: { type: "isTokenOld", params: { concern: "arrears" } }, target: "renewing" },
        { guard: { type: "isTokenRefused", params: { concern: "arrears" } }, target: "renewingLater" },
        { target: "waiting" },
      ],
    },
    renewing: {
      entry: raise({ type: "TOKEN_REFUSED" }),
      always: { guard: not("isOnline"), target: "settled" },
    },
    renewingLater: {
      always: { guard: not("isListening"), target: "settled" },
      after: { arrearsRetry: "renewing" },
    },
  },
});
