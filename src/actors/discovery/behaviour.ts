import type { LettaBackend } from "../../letta/port.ts";
import { serverOf } from "../../machines/addresses.ts";
import { discoveryMachine } from "../../machines/discovery.ts";
import { type Behaviour, defineBehaviour } from "../../runtime/behaviour.ts";
import type { ChildEffects } from "../../runtime/effect.ts";
import type { Directory } from "../directory.ts";

/** `interval` is the time between two listings, ms. */
export function discoveryBehaviour(letta: LettaBackend, directory: Directory, interval: number): Behaviour {
  const children: ChildEffects<typeof discoveryMachine> = {
    async listAgents(_, { signal }) {
      const settled = new Map<string, string | undefined>();
      for await (const { agentId, name, newName } of directory.residents())
        if (newName === undefined) settled.set(agentId, name);
      const listed = new Map<string, string>();
      for await (const { id, name } of letta.listAgents(signal)) listed.set(id, name);
      const changed = [...listed].filter(([agentId, name]) => settled.get(agentId) !== name);
      return { total: listed.size, changed: changed.map(([agentId, name]) => ({ agentId, name })), interval };
    },
  };
  return defineBehaviour({
    machine: discoveryMachine,
    input: (id) => ({ server: serverOf(id) }),
    children,
    backoffDelays: ["retry"],
  });
}
