import { serverOf } from "../../machines/addresses.ts";
import { auditMachine } from "../../machines/audit.ts";
import type { ActorId } from "../../runtime/actor-id.ts";
import { type Behaviour, defineBehaviour } from "../../runtime/behaviour.ts";
import type { ChildEffects } from "../../runtime/effect.ts";
import type { Directory } from "../directory.ts";

/** Each look reads all agents' records: so many in one interval, and the cost of that stays small with any number. */
const mostLooks = 360;

/** After the very first start there is enough to do, ms. */
const firstPause = 60_000;

export interface AuditOptions {
  /** The time that one pass over all agents takes, ms. Read at each look. */
  readonly interval: number;
}

export function auditBehaviour(directory: Directory, options: AuditOptions): Behaviour {
  const children: ChildEffects<typeof auditMachine> = {
    async nextAgents({ after }) {
      const present: ActorId[] = [];
      for await (const { actor, life } of directory.residents())
        if (life === "live" || life === "missing") present.push(actor);
      const size = Math.max(1, Math.ceil(present.length / mostLooks));
      const left = present.toSorted().filter((actor) => after === null || actor > after);
      const looks = Math.max(1, Math.ceil(present.length / size));
      return { agents: left.slice(0, size), isLast: left.length <= size, pause: Math.ceil(options.interval / looks) };
    },
  };
  return defineBehaviour({
    machine: auditMachine,
    input: (id) => ({ server: serverOf(id), pause: Math.min(firstPause, options.interval) }),
    children,
    backoffDelays: ["retry"],
  });
}
