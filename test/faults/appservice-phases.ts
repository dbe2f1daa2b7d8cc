import { common, ofUser, onHomeserver } from "./homeserver-phases.ts";
import { httpFaults, matrixFaults, syncFaults, transactionFaults } from "./http-faults.ts";
import { type HttpPhase, overHttp, type Phase } from "./phase.ts";

/** What the product does with the homeserver as an application service, and the homeserver with it. */

const asAppservice = (phase: Parameters<typeof onHomeserver>[0]): Phase =>
  onHomeserver({ transport: "appservice", ...phase });

const fromHomeserver = (phase: Omit<HttpPhase, "letta" | "transport">): Phase =>
  overHttp(({ pushes }) => pushes, { letta: "app-server", transport: "appservice", ...phase });

const { "duplicate events": duplicates, "reordered events": reordered } = syncFaults;

export const appservicePhases = {
  "register (appservice)": asAppservice(common.register),
  device: asAppservice({
    isOf: ofUser(({ method, path }) => method === "PUT" && path.includes("/devices/")),
    during: /account=registering/,
    happens: "at first",
  }),
  "upload (appservice)": asAppservice(common.upload),
  "create room (appservice)": asAppservice(common["create room"]),
  "join (appservice)": asAppservice(common.join),
  /** The first request of an agent that looks back at what was said. */
  look: asAppservice({
    isOf: ofUser(
      ({ path, query }) =>
        path.endsWith("/sync") && !query.has("since") && query.get("filter")?.includes("m.room.create") === true,
    ),
    during: /intake=catchingUp/,
    happens: "later",
    broughtBy: "a look back",
    held: true,
    faults: { ...httpFaults, ...matrixFaults, "duplicate events": duplicates, "reordered events": reordered },
  }),
  transaction: fromHomeserver({
    isOf: ({ method, path, body }, { name }) =>
      method === "PUT" && path.includes("/transactions/") && body.includes(`[[nonce=${name}-`),
    // Once one was spoilt, the agent may be looking back, or about to try that again, when the next one comes.
    during: /intake=(pushed|catchingUp|polling|backingOff)/,
    happens: "later",
    // What the homeserver cannot push keeps all that it would push afterwards.
    shared: true,
    faults: transactionFaults,
  }),
  ping: asAppservice({
    isOf: ({ method, path }) => method === "POST" && path.endsWith("/ping"),
    during: /intake=/,
    happens: "later",
    shared: true,
    faults: httpFaults,
  }),
  "send (appservice)": asAppservice(common.send),
  "edit (appservice)": asAppservice(common.edit),
} satisfies Record<string, Phase>;
