import type { TransportKind } from "../servers/transports.ts";
import { appservicePhases } from "./appservice-phases.ts";
import { type FaultName, faultNames } from "./fault-names.ts";
import { homeserverPhases } from "./homeserver-phases.ts";
import { lettaPhases } from "./letta-phases.ts";
import type { Phase } from "./phase.ts";

/** Every phase crossed with every fault. */

export const phases = { ...homeserverPhases, ...lettaPhases, ...appservicePhases };
export type PhaseName = keyof typeof phases;

export const phaseNames = Object.keys(phases).filter((name): name is PhaseName => name in phases);

/** One fault in one phase. */
export interface Cell {
  readonly phase: PhaseName;
  readonly fault: FaultName;
}

export interface Impossible {
  readonly phases: readonly PhaseName[];
  readonly faults: readonly FaultName[];
  readonly reason: string;
}

const turns: readonly PhaseName[] = ["stream (App Server)", "stream (REST)"];
const listings: readonly PhaseName[] = ["list agents (App Server)", "list agents (REST)"];

/** What cannot happen. */
export const impossible: readonly Impossible[] = [
  {
    phases: [
      "register",
      "login",
      "upload",
      "create room",
      "join",
      "send",
      "edit",
      "register (appservice)",
      "device",
      "upload (appservice)",
      "create room (appservice)",
      "join (appservice)",
      "ping",
      "send (appservice)",
      "edit (appservice)",
    ],
    faults: ["duplicate events", "reordered events", "next_batch that repeats"],
    reason: "The answer holds neither events nor a cursor.",
  },
  {
    phases: turns,
    faults: ["duplicate events", "reordered events"],
    reason: "One connection delivers its bytes once and in their order, and a turn's frames come over one.",
  },
  {
    phases: turns,
    faults: ["next_batch that repeats"],
    reason: "A turn's stream has no cursor.",
  },
  {
    phases: [...listings, ...turns],
    faults: ["401 with soft logout"],
    reason: "Soft logout is Matrix's own; Letta has no sessions.",
  },
  {
    phases: ["transaction", "ping"],
    faults: ["401 with soft logout"],
    reason: "It is about the application service and its homeserver, neither of which logs in.",
  },
  {
    phases: ["look", "transaction"],
    faults: ["next_batch that repeats"],
    reason: "A look begins without a cursor, and what is pushed has none.",
  },
  {
    phases: phaseNames.filter((phase) => phase !== "transaction"),
    faults: ["transaction again under another name"],
    reason: "It is no transaction.",
  },
];

/** Those that a product which hears what is said in this way goes through. */
export function phasesOf(transport: TransportKind): readonly PhaseName[] {
  return phaseNames.filter((phase) => (phaseOf({ phase }).transport ?? transport) === transport);
}

export function phaseOf({ phase }: Pick<Cell, "phase">): Phase {
  return phases[phase];
}

/** Why the cell cannot be; `undefined` for one that can. */
export function reasonAgainst({ phase, fault }: Cell): string | undefined {
  return impossible.find((one) => one.phases.includes(phase) && one.faults.includes(fault))?.reason;
}

/** All cells that can be. */
export const cells: readonly Cell[] = phaseNames.flatMap((phase) =>
  faultNames.filter((fault) => phases[phase].faults.includes(fault)).map((fault) => ({ phase, fault })),
);

export function cellsOf(transport: TransportKind): readonly Cell[] {
  const own = new Set(phasesOf(transport));
  return cells.filter(({ phase }) => own.has(phase));
}

export function nameOf({ phase, fault }: Cell): string {
  return `${phase} × ${fault}`;
}
