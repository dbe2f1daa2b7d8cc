import type { Ports } from "../../src/app.ts";
import type { LettaBackend, TurnEvent, TurnRequest } from "../../src/letta/port.ts";
import { isAgentUser } from "../../src/machines/addresses.ts";
import type { Homeserver, MatrixClient, MatrixEvent, Pushes } from "../../src/matrix/port.ts";
import type { KillPoint } from "./kill-point.ts";
import { nonceOf, requestOf, turnOf } from "./marks.ts";
import type { Report } from "./protocol.ts";
import { RequestWatch } from "./request-watch.ts";

export interface Watch {
  readonly points: KillPoint;
  readonly report: (report: Report) => void;
  readonly now: () => number;
  /** Questions that an agent's sync has brought, by user id, until its step has taken them. */
  readonly arrived: Map<string, string[]>;
}

/** The product's own ports, with the boundaries that lie on them. */
export function watchPorts(ports: Ports, watch: Watch): Ports {
  return {
    homeserver: watchHomeserver(ports.homeserver, watch),
    people: ports.people,
    ...(ports.pushes !== undefined && { pushes: watchPushes(ports.pushes, watch) }),
    letta: watchLetta(ports.letta, watch),
    clock: ports.clock,
    close: () => ports.close(),
  };
}

/** What polls bring otherwise comes here. */
function watchPushes(pushes: Pushes, { points }: Watch): Pushes {
  return {
    listen: () => pushes.listen(),
    deliverTo: (take, comesAgain) =>
      pushes.deliverTo(async (transaction) => {
        const questions = transaction.events.filter((event) => !isAgentUser(event.sender) && isQuestion(event, ""));
        for (const { eventId } of questions) points.pass("received", { eventId });
        points.pulse();
        await take(transaction);
        for (const { eventId } of questions) points.pass("committed", { eventId });
      }, comesAgain),
    ping: (signal) => pushes.ping(signal),
    close: () => pushes.close(),
  };
}

function watchHomeserver(homeserver: Homeserver, watch: Watch): Homeserver {
  const { serverName } = homeserver;
  const requests = new RequestWatch(watch.points);
  return {
    serverName,
    register: (account, signal) =>
      requests.through(`@${account.localpart}:${serverName}`, "register", () => homeserver.register(account, signal)),
    login: (account, signal) =>
      requests.through(`@${account.localpart}:${serverName}`, "login", () => homeserver.login(account, signal)),
    as: (credentials) => watchClient(requests.watched(homeserver.as(credentials)), watch),
  };
}

function watchClient(client: MatrixClient, { points, arrived }: Watch): MatrixClient {
  const { userId } = client;
  const watched: MatrixClient = {
    userId,
    at: () => watched,
    async sync(request, signal) {
      const response = await client.sync(request, signal);
      const questions = response.joined
        .flatMap(({ timeline }) => timeline)
        .filter((event) => isQuestion(event, userId))
        .map(({ eventId }) => eventId);
      arrived.set(userId, questions);
      for (const eventId of questions) points.pass("received", { eventId });
      return response;
    },
    async send(roomId, type, txnId, content, signal, at) {
      const turn = turnOf(content);
      const request = requestOf(content);
      if (request?.open === true) {
        points.pass("before request", { eventId: request.cause });
        const eventId = await client.send(roomId, type, txnId, content, signal);
        points.pass("after request", { eventId: request.cause });
        return eventId;
      }
      const isEdit = "m.new_content" in content;
      if (turn === undefined || (!turn.final && isEdit)) return client.send(roomId, type, txnId, content, signal, at);
      const [before, after] = turn.final ? (["sending", "sent"] as const) : (["drafting", "drafted"] as const);
      points.pass(before, { eventId: turn.cause });
      const eventId = await client.send(roomId, type, txnId, content, signal);
      points.pass(after, { eventId: turn.cause });
      return eventId;
    },
    messages: (...args) => client.messages(...args),
    event: (...args) => client.event(...args),
    sendState: (...args) => client.sendState(...args),
    roomState: (...args) => client.roomState(...args),
    state: (...args) => client.state(...args),
    createRoom: (...args) => client.createRoom(...args),
    resolveAlias: (...args) => client.resolveAlias(...args),
    createAlias: (...args) => client.createAlias(...args),
    deleteAlias: (...args) => client.deleteAlias(...args),
    joinedMembers: (...args) => client.joinedMembers(...args),
    joinedRooms: (...args) => client.joinedRooms(...args),
    join: (...args) => client.join(...args),
    leave: (...args) => client.leave(...args),
    invite: (...args) => client.invite(...args),
    redact: (...args) => client.redact(...args),
    typing: (...args) => client.typing(...args),
    receipt: (...args) => client.receipt(...args),
    profile: (...args) => client.profile(...args),
    setAvatarUrl: (...args) => client.setAvatarUrl(...args),
    upload: (...args) => client.upload(...args),
    download: (...args) => client.download(...args),
    search: (...args) => client.search(...args),
    setDisplayName: (...args) => client.setDisplayName(...args),
    logOut: (...args) => client.logOut(...args),
  };
  return watched;
}

function isQuestion({ sender, content }: MatrixEvent, userId: string): boolean {
  const { body } = content;
  const isEdit = "m.new_content" in content;
  return sender !== userId && !isEdit && typeof body === "string" && nonceOf(body) !== undefined;
}

function watchLetta(letta: LettaBackend, watch: Watch): LettaBackend {
  const { report, now, points } = watch;
  return {
    get abilities() {
      return letta.abilities;
    },
    async *listAgents(signal) {
      points.pass("before listAgents", {});
      yield* letta.listAgents(signal);
      points.pass("after listAgents", {});
    },
    history: (agentId, limit, signal) => letta.history(agentId, limit, signal),
    async createConversation(agentId, signal) {
      points.pass("before createConversation", {});
      const conversation = await letta.createConversation(agentId, signal);
      points.pass("after createConversation", {});
      return conversation;
    },
    branchConversation: (from, signal) => letta.branchConversation(from, signal),
    ask: (request, signal) => watchTurn("ask", letta.ask(watchApprovals(request, watch), signal), request, watch),
    follow: (request, signal) =>
      watchTurn("follow", letta.follow(watchApprovals(request, watch), signal), request, watch),
    async lookUp(conversation, otid, signal) {
      const fate = await letta.lookUp(conversation, otid, signal);
      report({ type: "fate", otid, state: fate.state, at: now() });
      return fate;
    },
    async cancel(conversation, otid, signal) {
      points.pass("before cancel", {});
      await letta.cancel(conversation, otid, signal);
      points.pass("after cancel", {});
    },
    close: () => letta.close(),
  };
}

/** Reported before it is written down: once it is, the process may be killed at any moment. */
function watchApprovals(request: TurnRequest, { report, now }: Watch): TurnRequest {
  const nonce = nonceOf(request.text);
  return {
    ...request,
    async beforeApproval(tool) {
      if (nonce !== undefined) report({ type: "approved", subject: { nonce }, at: now() });
      await request.beforeApproval(tool);
    },
  };
}

/** The text of an answer that has come by then counts as its middle. */
const midStream = 3;

async function* watchTurn(
  how: "ask" | "follow",
  events: AsyncIterable<TurnEvent>,
  { otid, text }: TurnRequest,
  { points, report, now }: Watch,
): AsyncIterable<TurnEvent> {
  const nonce = nonceOf(text);
  const subject = nonce === undefined ? {} : { nonce };
  let texts = 0;
  report({ type: "turn", how, otid, subject, at: now() });
  if (how === "ask") points.pass("asking", subject);
  try {
    for await (const event of events) {
      if (event.type === "accepted") {
        report({ type: "accepted", otid, subject, at: now() });
        points.pass("asked", subject);
      }
      if (event.type === "text" && ++texts === 1) points.pass("first-token", subject);
      if (event.type === "text" && texts === midStream) points.pass("mid-stream", subject);
      yield event;
    }
  } catch (error) {
    report({ type: "failed", otid, reason: String(error), at: now() });
    throw error;
  }
}
