import { remarks, stoppedAnswer } from "../wording.ts";
import { firstOf, remark } from "./context.ts";
import { conversationSetup } from "./setup.ts";

/**
 * What is owed waits until the agent may ask Letta again. What was heard of that may be old, so the agent's own record is
 * looked at first; then the room is told once. Nothing runs while it waits: the agent tells when it is over.
 */
export const paused = conversationSetup.createStateConfig({
  initial: "looking",
  exit: "goOn",
  on: {
    RESUMED: { target: "#conversation.resumed", actions: "resume" },
    CLOSE: { target: "#conversation.resumed", actions: { type: "close", params: ({ event }) => event } },
    STOP: {
      guard: "isHolding",
      target: "#conversation.replying",
      actions: { type: "answer", params: stoppedAnswer("") },
    },
    restored: { target: "#conversation.recalling", actions: "doubt" },
  },
  states: {
    looking: {
      invoke: {
        id: "lookWhetherPaused",
        src: "lookWhetherPaused",
        input: ({ context: { agentId } }) => ({ agentId }),
        onDone: [
          {
            guard: { type: "isStillPaused", params: ({ event }) => event.output },
            target: "waiting",
            actions: [
              "waitForResume",
              { type: "remark", params: ({ context }) => remark(context, firstOf(context), remarks.paused) },
            ],
          },
          { target: "#conversation.resumed", actions: "resume" },
        ],
        onError: { target: "later", actions: { type: "waitFor", params: ({ event }) => event } },
      },
    },
    later: { after: { retry: "looking" } },
    waiting: {},
  },
});
