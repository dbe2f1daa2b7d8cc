import { z } from "zod";
import { turnOf } from "../crash/marks.ts";
import { httpFaults, matrixFaults, syncFaults } from "./http-faults.ts";
import type { SeenRequest } from "./http-proxy.ts";
import { type HttpPhase, overHttp, type Phase, type Subject } from "./phase.ts";
import type { World } from "./world.ts";

/** What the product does with the homeserver. */

const registration = z.object({ username: z.string() });
const login = z.object({ identifier: z.object({ user: z.string() }) });
const replacement = z.object({ "m.relates_to": z.object({ rel_type: z.literal("m.replace") }) });

type Matcher = HttpPhase["isOf"];

/** On behalf of the agent's user, by its own token or by its name. */
export const ofUser =
  (isOf: (request: SeenRequest) => boolean): Matcher =>
  (request: SeenRequest, { userId }: Subject, world: World) =>
    isOf(request) && world.userOf(request) === userId;

type OfHomeserver = Omit<HttpPhase, "letta" | "faults"> & Partial<Pick<HttpPhase, "faults">>;

export const onHomeserver = (phase: OfHomeserver): Phase =>
  overHttp(({ homeserver }) => homeserver, {
    letta: "app-server",
    transport: "client-server",
    faults: { ...httpFaults, ...matrixFaults },
    ...phase,
  });

/** What is done with the homeserver whichever way one hears what is said. */
export const common = {
  register: {
    isOf: ({ method, path, body }, { localpart }) =>
      method === "POST" &&
      path.endsWith("/register") &&
      registration.safeParse(JSON.parse(body)).data?.username === localpart,
    during: /account=registering/,
    happens: "at first",
  },
  upload: {
    isOf: ofUser(({ method, path }) => method === "POST" && path.endsWith("/upload")),
    during: /room=provisioning\.introducing/,
    happens: "at first",
  },
  "create room": {
    isOf: ofUser(({ method, path }) => method === "POST" && path.endsWith("/createRoom")),
    during: /room=provisioning\.creating/,
    happens: "at first",
  },
  join: {
    isOf: ofUser(({ method, path }) => method === "POST" && path.includes("/join/")),
    broughtBy: "an invitation",
    // An action with times of its own, whatever hearing what is said comes to meanwhile.
    during: /account=online/,
    happens: "later",
  },
  send: {
    isOf: ofUser((request) => isFinal(request, false)),
    during: /conversation=replying/,
    happens: "later",
    chancy: true,
  },
  edit: {
    isOf: ofUser((request) => isFinal(request, true)),
    during: /conversation=replying/,
    happens: "later",
    chancy: true,
    directives: "[[words=15]][[tps=30]]",
  },
} satisfies Record<string, OfHomeserver>;

export const homeserverPhases = {
  register: onHomeserver(common.register),
  login: onHomeserver({
    isOf: ({ method, path, body }, { localpart }) =>
      method === "POST" &&
      path.endsWith("/login") &&
      login.safeParse(JSON.parse(body)).data?.identifier.user === localpart,
    during: /account=registering/,
    happens: "later",
    broughtBy: "ended sessions",
  }),
  upload: onHomeserver(common.upload),
  "create room": onHomeserver(common["create room"]),
  join: onHomeserver(common.join),
  sync: onHomeserver({
    isOf: ofUser(({ method, path, query }) => method === "GET" && path.endsWith("/sync") && query.has("since")),
    during: /intake=polling/,
    happens: "later",
    held: true,
    faults: { ...httpFaults, ...matrixFaults, ...syncFaults },
  }),
  send: onHomeserver(common.send),
  edit: onHomeserver(common.edit),
} satisfies Record<string, Phase>;

/** An answer that is complete, in place of its draft or by itself. */
function isFinal({ path, body }: SeenRequest, replaces: boolean): boolean {
  if (!path.includes("/send/m.room.message/")) return false;
  const content: unknown = JSON.parse(body);
  return turnOf(content)?.final === true && replacement.safeParse(content).success === replaces;
}
