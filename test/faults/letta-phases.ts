import { httpFaults, listingFaults } from "./http-faults.ts";
import { type HttpPhase, overHttp, overSocket, type Phase } from "./phase.ts";
import { socketFaults, socketListingFaults } from "./socket-faults.ts";

/** What the product does with Letta, in each of its two kinds. */

const listing = { happens: "at first", during: /discovery=listing/, shared: true } as const;
const streaming = {
  happens: "later",
  during: /conversation=turn/,
  losesTurns: true,
  directives: "[[words=15]][[tps=30]]",
} as const;

const overRest = (phase: Omit<HttpPhase, "letta">): Phase =>
  overHttp(({ letta }) => letta.http, { letta: "rest", ...phase });

export const lettaPhases = {
  "list agents (App Server)": overSocket({
    ...listing,
    letta: "app-server",
    isOf: ({ type }) => type === "agent_list",
    faults: { ...socketFaults, ...socketListingFaults },
  }),
  "stream (App Server)": overSocket({
    ...streaming,
    letta: "app-server",
    // All agents' answers come over one socket.
    shared: true,
    isOf: ({ type, text }, { name }) => type === "input" && text.includes(`[[nonce=${name}-`),
    faults: socketFaults,
  }),
  "list agents (REST)": overRest({
    ...listing,
    isOf: ({ method, path }) => method === "GET" && /\/v1\/agents\/?$/.test(path),
    faults: { ...httpFaults, ...listingFaults },
  }),
  "stream (REST)": overRest({
    ...streaming,
    isOf: ({ method, path, body }, { name }) =>
      method === "POST" && path.endsWith("/messages") && body.includes(`[[nonce=${name}-`),
    faults: httpFaults,
  }),
} satisfies Record<string, Phase>;
