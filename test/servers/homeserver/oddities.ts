/**
 * What servers do differently, as their clients see it: the one table of that. `test/contract/matrix/oddities.ts` has a
 * case for each, which holds the real Synapse to its column, and each stand-in to its own; each can be set apart, to see
 * that its case notices.
 */
export interface HomeserverOddities {
  /** Of a room whose creator names none. From 12 on creators stand above all levels, and rooms' ids have no domain. */
  readonly roomVersion: string;
  /** Within what a transaction id of a device names one event. */
  readonly transactionScope: "room" | "device";
  /** Transaction ids are known only to the process that took them, and only under the session that sent them. */
  readonly transactionsAreForgotten: boolean;
  /** Synapse's admin API, beyond registration by shared secret. */
  readonly hasSynapseAdmin: boolean;
  /** `none`: nothing is ever limited. `burst`: a few requests at once, then half a second. */
  readonly rateLimits: "synapse" | "burst" | "none";
  /** An edited event comes with its newest edit. */
  readonly bundlesEdits: boolean;
  /** How long a long-poll is held, ms: whoever asks for less or more gets this. */
  readonly shortestPollMs: number;
  readonly longestPollMs: number;
  /** A cursor that is none counts as no cursor. */
  readonly takesAnyCursor: boolean;
  /** `/messages?dir=f` begins at the room's beginning where no `from` is given. */
  readonly readsFromTheBeginning: boolean;
  readonly shortestPassword: number;
  /** What registration by token asks for. */
  readonly registrationStages: readonly string[];
  /** The errcode of an event that is too large. */
  readonly tooLarge: "M_TOO_LARGE" | "M_BAD_JSON";
  /** What is appended to the display name of whoever is new. */
  readonly newNameSuffix: string;
  /** The HTTP status of a refused join into a restricted room. */
  readonly restrictedJoinStatus: 403 | 500;
  /** More events than this are never in a timeline, whatever is asked for. */
  readonly longestTimeline: number;
  /** Messages can be searched, where the administrator has changed nothing. */
  readonly searches: boolean;
}

export type HomeserverProfile = "synapse" | "tuwunel" | "dendrite";

/** More than anybody asks for. */
const unbounded = Number.MAX_SAFE_INTEGER;

/**
 * Synapse 1.163, Tuwunel 1.9, Dendrite 0.15. Synapse's column is measured. Tuwunel's and Dendrite's are what was seen of
 * them (Tuwunel 1.4.6, Dendrite 0.15.2) and read in their source: transactions in Dendrite's `internal/transactions`,
 * which keeps them in memory by access token and endpoint, rate limits in its `internal/httputil`.
 */
export const homeserverProfiles: Readonly<Record<HomeserverProfile, HomeserverOddities>> = {
  synapse: {
    roomVersion: "12",
    transactionScope: "room",
    transactionsAreForgotten: false,
    hasSynapseAdmin: true,
    rateLimits: "synapse",
    bundlesEdits: true,
    shortestPollMs: 0,
    longestPollMs: unbounded,
    takesAnyCursor: false,
    readsFromTheBeginning: true,
    shortestPassword: 1,
    registrationStages: ["m.login.registration_token", "m.login.dummy"],
    tooLarge: "M_TOO_LARGE",
    newNameSuffix: "",
    restrictedJoinStatus: 403,
    longestTimeline: 100,
    searches: true,
  },
  tuwunel: {
    roomVersion: "11",
    transactionScope: "device",
    transactionsAreForgotten: false,
    hasSynapseAdmin: false,
    rateLimits: "none",
    bundlesEdits: false,
    shortestPollMs: 5_000,
    longestPollMs: 90_000,
    takesAnyCursor: true,
    readsFromTheBeginning: true,
    shortestPassword: 1,
    registrationStages: ["m.login.registration_token"],
    tooLarge: "M_TOO_LARGE",
    newNameSuffix: " 💕",
    restrictedJoinStatus: 403,
    longestTimeline: 100,
    searches: true,
  },
  dendrite: {
    roomVersion: "10",
    transactionScope: "room",
    transactionsAreForgotten: true,
    hasSynapseAdmin: false,
    rateLimits: "burst",
    bundlesEdits: false,
    shortestPollMs: 0,
    longestPollMs: unbounded,
    takesAnyCursor: false,
    readsFromTheBeginning: false,
    shortestPassword: 8,
    registrationStages: ["m.login.registration_token"],
    tooLarge: "M_BAD_JSON",
    newNameSuffix: "",
    restrictedJoinStatus: 500,
    longestTimeline: unbounded,
    searches: false,
  },
};
