import type { AgentContext, Polled } from "../../src/machines/agent/context.ts";
import type { ChartDriver } from "./chart-driver.ts";
import { drive } from "./charts-under-test.ts";

/** The agent chart, brought into the states that tests begin with. */

export type Agent = ChartDriver<AgentContext>;

export const nothing: Polled = { since: "s1", heard: [] };

/** An agent that has its account and the space, and shows who it is. */
export function introducing(): Agent {
  const agent = drive.agent();
  agent.send({ type: "DISCOVERED", name: "Scout" });
  agent.done("ensureAccount");
  agent.send({ type: "SPACE_READY", spaceId: "!space:test" });
  return agent;
}

/** An agent that looks for its room. */
export function resolving(): Agent {
  const agent = introducing();
  agent.done("ensureProfile", { avatar: null });
  return agent;
}

/** Takes all steps of provisioning after its first; all goes well. */
export function provision(agent: Agent): void {
  agent.done("resolveRoom", { roomId: "!room:test" });
  if (agent.running.has("importHistory")) agent.done("importHistory");
  agent.done("linkToSpace");
  agent.done("furnishRoom");
  agent.done("invitePeople");
  agent.done("attachTools");
}

/** An agent in its room, polling. */
export function polling(): Agent {
  const agent = resolving();
  provision(agent);
  agent.done("catchUp", nothing);
  return agent;
}
