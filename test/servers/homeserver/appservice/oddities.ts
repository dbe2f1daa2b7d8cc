import type { HomeserverProfile } from "../oddities.ts";

/**
 * What servers do differently towards application services. `test/contract/matrix/appservice-oddities.ts` has a case for
 * each, as for the other oddities.
 */
export interface AppserviceOddities {
  /** `POST /appservice/{id}/ping`; whether it also ends the waiting after the service's downtime. */
  readonly ping: "ends the wait" | "changes nothing" | "none";
  /** A ping that comes while it tries again is refused, though it has reached the service. */
  readonly refusesPingWhileRetrying: boolean;
  /**
   * When it tries again to push what could not be: at growing intervals, or only with the next event. Synapse's store
   * of transactions has windows in which it loses sight of some: see `transactions.ts`.
   */
  readonly retries: "from its store" | "by itself" | "with the next event";
  readonly mostEventsInTransaction: number;
  /** Of what could not be pushed, after the homeserver's restart: the newest. */
  readonly mostKeptOverRestart: number;
  /** The transaction ids that it pushes under begin anew at its restart. */
  readonly countsAnew: boolean;
  /** The token by which it is known comes in the query, too. */
  readonly tokenInQuery: boolean;
  /** The service's sender: may act without an account, has one from the beginning, or has to be registered first. */
  readonly sender: "acts" | "exists" | "has to be registered";
  /** To act as somebody outside of the namespace is refused so. */
  readonly masquerade: readonly [status: number, errcode: string];
  /** Makes a device by `PUT /devices/{id}`; else that is a 404, and logging in makes it. */
  readonly makesDevicesByPut: boolean;
  /** The same transaction id in the same room is known again whoever of the service's users sends under it. */
  readonly transactionsIgnoreUsers: boolean;
}

const unbounded = Number.MAX_SAFE_INTEGER;

/**
 * Synapse 1.163, Tuwunel 1.4.6, Dendrite 0.15. Synapse's column is measured; the others' are what was seen of them and
 * read in their source.
 */
export const appserviceProfiles: Readonly<Record<HomeserverProfile, AppserviceOddities>> = {
  synapse: {
    ping: "ends the wait",
    refusesPingWhileRetrying: true,
    retries: "from its store",
    mostEventsInTransaction: 100,
    mostKeptOverRestart: unbounded,
    countsAnew: true,
    tokenInQuery: false,
    sender: "acts",
    masquerade: [403, "M_FORBIDDEN"],
    makesDevicesByPut: true,
    transactionsIgnoreUsers: true,
  },
  tuwunel: {
    ping: "changes nothing",
    refusesPingWhileRetrying: false,
    retries: "with the next event",
    mostEventsInTransaction: 100,
    mostKeptOverRestart: 50,
    countsAnew: false,
    tokenInQuery: true,
    sender: "has to be registered",
    masquerade: [400, "M_EXCLUSIVE"],
    makesDevicesByPut: false,
    transactionsIgnoreUsers: false,
  },
  dendrite: {
    ping: "none",
    refusesPingWhileRetrying: false,
    retries: "by itself",
    mostEventsInTransaction: 1,
    mostKeptOverRestart: unbounded,
    countsAnew: false,
    tokenInQuery: false,
    sender: "exists",
    masquerade: [403, "M_FORBIDDEN"],
    makesDevicesByPut: false,
    transactionsIgnoreUsers: true,
  },
};
