import type { AnyStateMachine } from "xstate";
import { agentMachine } from "./agent/index.ts";
import { auditMachine } from "./audit.ts";
import { conversationMachine } from "./conversation/index.ts";
import { coreUserMachine } from "./core-user.ts";
import { discoveryMachine } from "./discovery.ts";
import { outboxMachine } from "./outbox.ts";
import { spaceMachine } from "./space.ts";

/** Every chart, by its machine's id. */
export const machines: Readonly<Record<string, AnyStateMachine>> = {
  agent: agentMachine,
  audit: auditMachine,
  conversation: conversationMachine,
  "core-user": coreUserMachine,
  discovery: discoveryMachine,
  outbox: outboxMachine,
  space: spaceMachine,
};
