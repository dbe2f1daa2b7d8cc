import type { Boundary, KillKind } from "./boundaries.ts";
import type { Count } from "./census.ts";
import type { SaidCommand, SentMessage } from "./messages.ts";
import type { RoomEvent } from "./person.ts";

/** An agent of the run, its room, and the word that only its memory holds. */
export interface Resident {
  readonly agentId: string;
  readonly userId: string;
  readonly name: string;
  readonly word: string;
  readonly roomId: string;
}

/** A kill that has happened; times are milliseconds since 1970. */
export interface Kill {
  readonly kind: KillKind;
  readonly boundary: Boundary;
  /** The message that reached the boundary, by event id, where that is known. */
  readonly eventId: string | undefined;
  readonly at: number;
}

/** A request to the model. */
export interface Asking {
  readonly nonce?: string;
  /** What it was asked. */
  readonly question: string;
  readonly at: number;
  /** A further request of a turn, with the result of a tool. */
  readonly afterTool: boolean;
  /** How the model's answer ended. */
  readonly outcome?: string;
}

/** A boundary that a message has passed. */
export interface Passing {
  readonly boundary: Boundary;
  readonly eventId: string;
  readonly at: number;
}

/** Letta's accepting of an input. */
export interface Acceptance {
  readonly otid: string;
  readonly eventId: string | undefined;
  readonly at: number;
}

/** What the product did with an input to Letta, or was told of it. */
export interface InputNote {
  readonly otid: string;
  /** The message it asks; missing where only the id is known. */
  readonly eventId?: string | undefined;
  readonly what: "ask" | "follow" | "failed" | "fate";
  /** The fate by Letta's history, or the reason of the failure. */
  readonly detail?: string;
  readonly at: number;
}

/** Requests that happen once in the life of an installation. */
export interface OneTimeRequest {
  readonly path: string;
  readonly at: number;
}

/** From an agent's being made in Letta to everybody's being in its room. */
export interface Arrival {
  readonly agentId: string;
  readonly from: number;
  readonly to: number;
}

/** What is known of the rooms when they have come to rest, and of what was done for the questions in them. */
export interface RoomEvidence {
  readonly residents: readonly Resident[];
  readonly messages: readonly SentMessage[];
  readonly commands: readonly SaidCommand[];
  /** The whole timelines, by room id. */
  readonly timelines: ReadonlyMap<string, readonly RoomEvent[]>;
  readonly kills: readonly Kill[];
  readonly askings: readonly Asking[];
  readonly passings: readonly Passing[];
  readonly acceptances: readonly Acceptance[];
  readonly inputs: readonly InputNote[];
  /** Questions in whose turns a tool call was approved, by event id. */
  readonly approved: ReadonlySet<string>;
  /** How often the tool of a message ran, by nonce. */
  readonly toolRuns: ReadonlyMap<string, number>;
}

/** Where nobody decides or commands anything, and no note is taken of what passes. */
export const nothingNoted = {
  passings: [],
  acceptances: [],
  inputs: [],
  approved: new Set<string>(),
  toolRuns: new Map<string, number>(),
  commands: [],
} as const satisfies Partial<RoomEvidence>;

/** All that is known of a run when it has come to rest. */
export interface Evidence extends RoomEvidence {
  /** Registrations, logins and creations since everything had been set up. */
  readonly oneTimeRequests: readonly OneTimeRequest[];
  /** Agents that came after that. */
  readonly arrivals: readonly Arrival[];
  readonly count: Count;
}
