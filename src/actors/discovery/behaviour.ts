import type { LettaBackend } from "../../letta/port.ts";
import { serverOf } from "../../machines/addresses.ts";
import { discoveryMachine, type Listing } from "../../machines/discovery.ts";
import { type Behaviour, defineBehaviour } from "../../runtime/behaviour.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { ChildEffects } from "../../runtime/effect.ts";
import type { Directory, Resident } from "../directory.ts";

export interface DiscoveryOptions {
  /** Between two listings, ms. */
  readonly interval: number;
  /** How long an agent may be missing before it is retired, ms. */
  readonly grace: number;
  /** Ids of the agents that are left out. */
  readonly disabled: readonly string[];
}

export function discoveryBehaviour(
  letta: LettaBackend,
  directory: Directory,
  clock: Clock,
  options: DiscoveryOptions,
): Behaviour {
  const children: ChildEffects<typeof discoveryMachine> = {
    async listAgents(_, { signal }) {
      const known = new Map<string, Resident>();
      for await (const resident of directory.residents()) known.set(resident.agentId, resident);
      const listed = new Map<string, string>();
      for await (const { id, name } of letta.listAgents(signal)) listed.set(id, name);
      return compare(known, listed, clock.now(), options);
    },
  };
  return defineBehaviour({
    machine: discoveryMachine,
    input: (id) => ({ server: serverOf(id) }),
    children,
    backoffDelays: ["retry"],
  });
}

function compare(
  known: ReadonlyMap<string, Resident>,
  listed: ReadonlyMap<string, string>,
  now: number,
  { interval, grace, disabled }: DiscoveryOptions,
): Listing {
  const leftOut = new Set(disabled);
  const served = [...listed].filter(([agentId]) => !leftOut.has(agentId));
  const fresh = served.filter(([agentId]) => !known.has(agentId));
  const back = served.filter(([agentId]) => absent.has(known.get(agentId)?.life ?? ""));
  const present = served.flatMap(([agentId, name]) => {
    const resident = known.get(agentId);
    return resident === undefined || absent.has(resident.life) ? [] : [[agentId, name, resident] as const];
  });
  const renamed = present.filter(([, name, resident]) => resident.name !== name);
  // Who waits for its new name to be confirmed is told also that the old one is right.
  const waiting = present.filter(
    ([, name, { newName, ...resident }]) => newName !== undefined && resident.name === name,
  );
  // Letta gives an empty list while its own store is not there yet. Nobody has deleted everything.
  const residents = listed.size === 0 ? [] : [...known.values()];
  const missing = residents.filter(
    ({ agentId, life }) => !listed.has(agentId) && !leftOut.has(agentId) && mayBeMissed.has(life),
  );
  const due = missing.filter(({ missingSince }) => missingSince === undefined || now - missingSince >= grace);
  const unwanted = [...known.values()].filter(({ agentId }) => leftOut.has(agentId));
  const changed = [...fresh, ...renamed, ...waiting, ...back].map(([agentId, name]) => ({ agentId, name }));
  const gone = unwanted.filter(({ life }) => life === "live" || life === "missing");
  const told = [...changed, ...due, ...gone].flatMap(({ agentId }) => known.get(agentId) ?? []);
  return {
    changed,
    missed: due.map(({ agentId }) => agentId),
    disabled: gone.map(({ agentId }) => agentId),
    revisions: Object.fromEntries(told.map(({ agentId, revision }) => [agentId, revision])),
    found: {
      listed: listed.size,
      fresh: fresh.length,
      renamed: renamed.length,
      back: back.length,
      missing: missing.length,
      disabled: [...listed.keys()].filter((agentId) => leftOut.has(agentId)).length,
    },
    interval,
    grace,
  };
}

/** Where an agent is that has something to lose. */
const mayBeMissed: ReadonlySet<string> = new Set(["live", "missing", "disabled"]);

/** Where an agent is that comes back by being listed. One that is retiring comes back when it has retired. */
const absent: ReadonlySet<string> = new Set(["missing", "disabled", "retired"]);
