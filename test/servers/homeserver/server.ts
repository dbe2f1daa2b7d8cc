import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { join } from "node:path";
import { AccessLog } from "./access-log.ts";
import { accountRoutes } from "./accounts.ts";
import { administrationRoutes } from "./administration.ts";
import type { AppserviceOddities } from "./appservice/oddities.ts";
import type { Pusher } from "./appservice/pusher.ts";
import { QueuedPushes } from "./appservice/queued.ts";
import { type Appservice, type AppserviceRegistration, Appservices } from "./appservice/registration.ts";
import { appserviceRoutes } from "./appservice/routes.ts";
import { StoredTransactions } from "./appservice/transactions.ts";
import { directoryRoutes } from "./directory.ts";
import { Fault } from "./fault.ts";
import { historyRoutes } from "./history.ts";
import { Homeserver } from "./homeserver.ts";
import { Journal } from "./journal.ts";
import { mediaRoutes } from "./media.ts";
import { Memberships } from "./memberships.ts";
import type { HomeserverOddities } from "./oddities.ts";
import { presenceRoutes } from "./presence.ts";
import { roomRoutes } from "./rooms.ts";
import { FileAnswer, Router, type Routes, read } from "./routing.ts";
import { searchRoutes } from "./search.ts";
import { Sending } from "./sending.ts";
import { HomeserverState } from "./state.ts";
import { Sync } from "./sync.ts";
import { Typing } from "./typing.ts";
import { Waiting } from "./waiting.ts";

export interface ServeOptions {
  /** What is kept; continued when something is there. */
  readonly dir: string;
  readonly port: number;
  readonly serverName: string;
  readonly registrationSharedSecret: string;
  readonly registrationToken: string;
  readonly oddities: HomeserverOddities;
  readonly appserviceOddities: AppserviceOddities;
  readonly appservices: readonly AppserviceRegistration[];
}

const versions = ["v1.1", "v1.2", "v1.3", "v1.4", "v1.5", "v1.6", "v1.7", "v1.8", "v1.9", "v1.10", "v1.11", "v1.12"];

/** Serves in this process until it is killed. */
export async function serve(options: ServeOptions): Promise<void> {
  const { dir, port, serverName, registrationSharedSecret, registrationToken, oddities, appserviceOddities } = options;
  const waiting = new Waiting();
  const pushers = new Map<Appservice, Pusher>();
  const state = new HomeserverState(new Journal(join(dir, "journal.jsonl")), (userIds) => {
    waiting.wake(userIds);
    if (userIds.size > 0) for (const pusher of pushers.values()) pusher.look();
  });
  if (!state.registrationTokens.has(registrationToken))
    state.commit({ what: "registration token", token: registrationToken });
  const typing = new Typing((roomId) => waiting.wake(state.rooms.get(roomId)?.joined ?? []));
  const appservices = new Appservices(options.appservices, serverName);
  const parts = { serverName, registrationSharedSecret, oddities, appserviceOddities, appservices };
  const homeserver = new Homeserver({ ...parts, state, waiting, typing });
  const log = new AccessLog(join(dir, "access.jsonl"));
  for (const appservice of appservices.all) pushers.set(appservice, pusherOf(homeserver, appservice));
  const router = new Router(...routesOf(homeserver, pushers));
  const server = createServer((request, response) => {
    if (request.url === "/health") response.end("OK");
    else void answer(homeserver, router, log, request, response);
  });
  // A client that keeps a connection for its next request must not lose that one.
  server.keepAliveTimeout = 60_000;
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  // What was not taken before goes out at the start.
  for (const pusher of pushers.values()) pusher.look();
}

function pusherOf(homeserver: Homeserver, appservice: Appservice): Pusher {
  const { state, appserviceOddities } = homeserver;
  const { sender: userId } = appservice;
  state.owe(appservice.registration.id);
  if (appserviceOddities.sender === "exists" && !state.users.has(userId))
    state.commit({ what: "user", userId, password: "", admin: false });
  return appserviceOddities.retries === "from its store"
    ? new StoredTransactions(homeserver, appservice)
    : new QueuedPushes(homeserver, appservice);
}

function routesOf(homeserver: Homeserver, pushers: ReadonlyMap<Appservice, Pusher>): readonly Routes[] {
  const memberships = new Memberships(homeserver);
  return [
    { "GET /versions": () => ({ versions }) },
    accountRoutes(homeserver),
    memberships.routes(),
    roomRoutes(homeserver, memberships),
    new Sending(homeserver).routes(),
    historyRoutes(homeserver),
    new Sync(homeserver).routes(),
    presenceRoutes(homeserver),
    directoryRoutes(homeserver),
    mediaRoutes(homeserver),
    searchRoutes(homeserver),
    appserviceRoutes(homeserver, pushers),
    ...(homeserver.oddities.hasSynapseAdmin ? [administrationRoutes(homeserver, memberships)] : []),
  ];
}

async function answer(
  homeserver: Homeserver,
  router: Router,
  log: AccessLog,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const began = performance.now();
  const { method = "GET", url = "/" } = request;
  const [path = "", search = ""] = url.split(/\?(.*)/s);
  const query = new URLSearchParams(search);
  const token = /^Bearer (.*)$/.exec(request.headers.authorization ?? "")?.[1] ?? "";
  const appservice = homeserver.appservices.byToken(token);
  const user =
    appservice === undefined
      ? homeserver.state.sessions.get(token)?.userId
      : (query.get("user_id") ?? appservice.sender);
  let result: object;
  let status = 200;
  try {
    const { route, ids } = router.find(method, path);
    result = await route(await read(request, response, ids, query));
  } catch (error) {
    const fault = error instanceof Fault ? error : new Fault(500, "M_UNKNOWN", String(error));
    if (!(error instanceof Fault))
      process.stderr.write(`${method} ${path}: ${error instanceof Error ? error.stack : error}\n`);
    ({ status, body: result } = fault);
  }
  log.note({
    at: Date.now(),
    tookMs: performance.now() - began,
    method,
    path,
    query: search,
    ...(user !== undefined && { user }),
    status,
    complete: !response.destroyed,
    userAgent: request.headers["user-agent"] ?? "",
  });
  const file =
    result instanceof FileAnswer ? result : new FileAnswer("application/json", Buffer.from(JSON.stringify(result)));
  const retryAfter =
    status === 429 && "retry_after_ms" in result
      ? { "retry-after": String(Math.ceil(Number(result.retry_after_ms) / 1000)) }
      : {};
  response
    .writeHead(status, { "content-type": file.contentType, "content-length": file.bytes.length, ...retryAfter })
    .end(file.bytes);
}
