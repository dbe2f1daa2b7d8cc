import { and } from "xstate";
import { stoppedAnswer } from "../wording.ts";
import { recallInput } from "./context.ts";
import { conversationSetup } from "./setup.ts";

/**
 * After the store was made from a backup: what is held here may have been answered since the backup was made. The room is
 * looked at first, then it goes on with what is owed still.
 */
export const recalling = conversationSetup.createStateConfig({
  initial: "looking",
  on: {
    STOP: {
      guard: "isHolding",
      actions: { type: "amend", params: { stopping: true } },
    },
  },
  states: {
    looking: {
      on: { restored: { target: "looking", reenter: true, actions: "doubt" } },
      always: { guard: "holdsNothing", target: "recalled" },
      invoke: {
        id: "findAnswered",
        src: "findAnswered",
        input: ({ context }) => recallInput(context),
        onDone: {
          target: "recalled",
          actions: [
            { type: "forgetAnswered", params: ({ event }) => event.output },
            { type: "amend", params: { tries: 0 } },
            "goOn",
          ],
        },
        onError: [
          {
            guard: { type: "isReadable", params: ({ event }) => event },
            target: "later",
            actions: { type: "waitFor", params: ({ event }) => event },
          },
          /** In a room that cannot be read nothing can be said, either: that shows when it is tried. */
          { target: "recalled", actions: "goOn" },
        ],
      },
    },
    later: { on: { restored: { target: "looking", actions: "doubt" } }, after: { retry: "looking" } },
    recalled: {
      always: [
        { guard: "isAnswered", target: "#conversation.replying" },
        {
          guard: "isStopping",
          target: "#conversation.replying",
          actions: { type: "answer", params: stoppedAnswer("") },
        },
        { guard: "isDeclined", target: "#conversation.declining" },
        { guard: and(["isHolding", "isPaused"]), target: "#conversation.paused" },
        { guard: "isResumable", target: "#conversation.turn" },
        { guard: "isHolding", target: "#conversation.opening" },
        { target: "#conversation.idle" },
      ],
    },
  },
});
