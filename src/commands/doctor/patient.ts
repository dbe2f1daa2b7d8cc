import type { Config } from "../../config/schema.ts";
import type { Status } from "../status/schema.ts";

/** What the doctor looks at. Whatever fails does so with an error that has a message, a remedy and mostly a kind. */
export interface Patient {
  readonly config: Config;
  readonly homeserver: ExaminedHomeserver;
  readonly pushes?: ExaminedPushes;
  readonly letta: ExaminedLetta;
  readonly data: ExaminedData;
  /** What the running process says of itself; `undefined` when nothing runs. */
  status(): Promise<Status | undefined>;
  /** Milliseconds since the epoch. */
  now(): number;
}

export interface ExaminedHomeserver {
  standing(signal: AbortSignal): Promise<{ readonly versions: readonly string[]; readonly clock?: number }>;
  loginFlows(signal: AbortSignal): Promise<readonly string[]>;
  nameVerdict(signal: AbortSignal): Promise<{ readonly is: "right" } | { readonly is: "wrong"; readonly own?: string }>;
  /** Fails when the configured secret or token would not be taken. */
  tryRegistration(signal: AbortSignal): Promise<void>;
  isSynapse(signal: AbortSignal): Promise<boolean>;
  /** Where an administrator's token is configured. */
  readonly admin: { exists(userId: string, signal: AbortSignal): Promise<boolean> } | undefined;
}

/** Where we are an application service. */
export interface ExaminedPushes {
  /**
   * Where nothing runs: has the homeserver reach us at our address, where nothing that is pushed meanwhile is acknowledged.
   * Fails when it cannot, with kind `unsupported` when it has no way to be asked, and with kind `token` before the first
   * start has made the user as whom we ask.
   */
  roundTrip(signal: AbortSignal): Promise<void>;
}

export interface ExaminedLetta {
  listAgents(signal: AbortSignal): AsyncIterable<{ readonly id: string; readonly name: string }>;
  /** Where the backend can tell. */
  missingModels?(signal: AbortSignal): Promise<readonly { readonly name: string; readonly model: string }[]>;
  /** Where the agents' own settings decide which tools run: agents with such as run without anybody's being asked. */
  ungatedTools?(signal: AbortSignal): Promise<readonly { readonly name: string; readonly tools: readonly string[] }[]>;
}

export interface ExaminedData {
  /** Fails when the folder cannot be used. */
  folder(): Promise<void>;
  /** Fails when it is locked or damaged. `undefined` when there is none yet. */
  store(): Promise<StoreContents | undefined>;
  secret(): Promise<"right" | "none">;
  /** Fails when the control socket could not be opened there. */
  socket(): Promise<void>;
}

export interface StoreContents {
  /** Ids of the agents that have a room. */
  readonly housed: readonly string[];
  /** Keys of records that cannot be read. */
  readonly unreadable: readonly string[];
}
