import { randomUUID } from "node:crypto";
import { describe } from "vitest";
import { directoryContract } from "../contract/letta/directory.ts";
import { FakeLetta } from "./fake-letta.ts";

/**
 * The fake Letta has agents and conversations as the real one has. All else that it comes to is written down by each test
 * beforehand: what turns, look-ups and the past are like is held to the contract on the stand-ins.
 */
describe("The fake Letta", () => {
  const backend = new FakeLetta();
  directoryContract(() => ({
    client: async () => ({ backend, crash: () => undefined, close: () => backend.close() }),
    newAgent: async (name = "Agent") => {
      const id = `agent-${randomUUID()}`;
      backend.agents.push({ id, name });
      return id;
    },
  }));
});
