import { agentSetup } from "./setup.ts";

/** The agent's user: registered or logged in. */
export const account = agentSetup.createStateConfig({
  initial: "unnamed",
  states: {
    unnamed: { always: { guard: "isNamed", target: "registering" } },
    registering: {
      invoke: {
        id: "ensureAccount",
        src: "ensureAccount",
        input: ({ context: { userId, name = userId, tokenRefused } }) => ({ userId, name, renew: tokenRefused }),
        onDone: { target: "online", actions: ["renewed", { type: "goOn", params: { concern: "account" } }] },
        onError: {
          target: "troubled",
          actions: { type: "fail", params: ({ event }) => ({ concern: "account" as const, event }) },
        },
      },
    },
    troubled: {
      always: [
        { guard: { type: "isLasting", params: { concern: "account" } }, target: "refused" },
        { target: "backingOff" },
      ],
    },
    backingOff: {
      after: { accountRetry: "registering" },
      on: { REPROVISION: { target: "registering", actions: "lookAgain" } },
    },
    refused: {
      after: { mendingCheck: "registering" },
      on: { ADOPTED: "registering", REPROVISION: { target: "registering", actions: "lookAgain" } },
    },
    online: { on: { TOKEN_REFUSED: { target: "registering", actions: "refuseToken" } } },
  },
});
