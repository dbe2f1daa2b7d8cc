import type { TransportKind } from "../servers/transports.ts";
import type { FaultName } from "./fault-names.ts";
import type { HttpFault, HttpProxy, SeenRequest } from "./http-proxy.ts";
import type { SeenFrame, SocketFault } from "./socket-proxy.ts";
import type { World } from "./world.ts";

/** The kind of Letta that the product talks to. */
export type LettaKind = "app-server" | "rest";

/** The agent that a cell is about. */
export interface Subject {
  readonly agentId: string;
  readonly localpart: string;
  readonly userId: string;
  /** Begins the nonces of all questions to it. */
  readonly name: string;
}

export interface Ambush {
  readonly world: World;
  readonly subject: Subject;
  readonly fault: FaultName;
  /** Whether the fault is to happen once more; asked for each request or frame of the phase. */
  take(): boolean;
  /** The fault happens when this resolves. */
  readonly when: Promise<void>;
}

/** Something that the product does with a server for an agent. */
export interface Phase {
  /** Of the world in which it is looked at. */
  readonly letta: LettaKind;
  /** Of that world; either where it makes no difference. */
  readonly transport?: TransportKind;
  /** Whether it happens when an agent is new, or later, by what is said or done. */
  readonly happens: "at first" | "later";
  /** What the charts are doing meanwhile. */
  readonly during: RegExp;
  /** What can go wrong in it. */
  readonly faults: readonly FaultName[];
  /** Directives for the model in the question that leads to it. */
  readonly directives?: string;
  /** What has it happen, where that is not a question. */
  readonly broughtBy?: "ended sessions" | "an invitation" | "a look back";
  /** What happens during it happens to what people have said by then. */
  readonly held?: true;
  /** Whether the phase comes with a question is a matter of time: it is asked for again. */
  readonly chancy?: true;
  /** A turn may be lost in it: then the same question is asked once more. */
  readonly losesTurns?: true;
  /** What goes wrong in it goes wrong for all agents at once. */
  readonly shared?: true;
  /** Lays the fault in wait; gives the way to end that. */
  layFor(ambush: Ambush): () => void;
}

type Traits = Omit<Phase, "faults" | "layFor">;

export interface HttpPhase extends Traits {
  /** Whether the request is part of it, on behalf of that agent. */
  isOf(request: SeenRequest, subject: Subject, world: World): boolean;
  readonly faults: Partial<Readonly<Record<FaultName, HttpFault>>>;
}

export function overHttp(proxyOf: (world: World) => HttpProxy, { isOf, faults, ...traits }: HttpPhase): Phase {
  return {
    ...traits,
    faults: namesOf(faults),
    layFor: ({ world, subject, fault, take, when }) =>
      proxyOf(world).set({
        takes: (request) => isOf(request, subject, world) && take(),
        async fault(caught) {
          await when;
          await faults[fault]?.(caught);
        },
      }),
  };
}

export interface SocketPhase extends Traits {
  isOf(frame: SeenFrame, subject: Subject): boolean;
  readonly faults: Partial<Readonly<Record<FaultName, SocketFault>>>;
}

export function overSocket({ isOf, faults, ...traits }: SocketPhase): Phase {
  return {
    ...traits,
    faults: namesOf(faults),
    layFor: ({ world, subject, fault, take }) =>
      world.letta.socket.set({
        takes: (frame) => isOf(frame, subject) && take(),
        fault: (caught) => faults[fault]?.(caught),
      }),
  };
}

function namesOf(faults: Partial<Record<FaultName, unknown>>): FaultName[] {
  return Object.keys(faults).filter((name): name is FaultName => name in faults);
}
