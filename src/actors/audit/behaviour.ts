import { serverOf } from "../../machines/addresses.ts";
import { auditMachine } from "../../machines/audit.ts";
import type { ActorId } from "../../runtime/actor-id.ts";
import { type Behaviour, defineBehaviour } from "../../runtime/behaviour.ts";
import type { ChildEffects } from "../../runtime/effect.ts";
import type { Directory } from "../directory.ts";

/** Each look reads all agents' records: so many in one interval, and the cost of that stays small with any number. */
const mostLooks = 360;

export interface AuditOptions {
  /** The time that one pass over all agents takes, ms. Read at each look. */
  readonly interval: number;
}

export function auditBehaviour(directory: Directory, options: AuditOptions): Behaviour {
  const children: ChildEffects<typeof auditMachine> = {
    async nextAgents({ after }) {
      let present = 0;
      const left = new Map<ActorId, number>();
      for await (const { actor, life, revision } of directory.residents()) {
        if (life !== "live" && life !== "missing") continue;
        present++;
        if (after === null || actor > after) left.set(actor, revision);
      }
      const size = Math.max(1, Math.ceil(present / mostLooks));
      const looks = Math.max(1, Math.ceil(present / size));
      const agents = [...left.keys()].toSorted().slice(0, size);
      return {
        agents,
        isLast: left.size <= size,
        revisions: Object.fromEntries([...agents.map((actor) => [actor, left.get(actor)]), directory.space()]),
        pause: Math.ceil(options.interval / looks),
      };
    },
  };
  return defineBehaviour({
    machine: auditMachine,
    // At the very first start everybody looks at what is theirs anyway.
    input: (id) => ({ server: serverOf(id), pause: options.interval }),
    children,
    backoffDelays: ["retry"],
  });
}
