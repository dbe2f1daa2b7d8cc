import type { Ports } from "../../src/app.ts";
import type { LettaBackend, TurnEvent, TurnRequest } from "../../src/letta/port.ts";
import type { Homeserver, MatrixClient, MatrixEvent } from "../../src/matrix/port.ts";
import type { KillPoint } from "./kill-point.ts";
import { nonceOf, turnOf } from "./marks.ts";
import type { Report } from "./protocol.ts";

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
    letta: watchLetta(ports.letta, watch),
    clock: ports.clock,
    close: () => ports.close(),
  };
}

function watchHomeserver(homeserver: Homeserver, watch: Watch): Homeserver {
  return {
    serverName: homeserver.serverName,
    register: (account, signal) => homeserver.register(account, signal),
    login: (account, signal) => homeserver.login(account, signal),
    as: (credentials) => watchClient(homeserver.as(credentials), watch),
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
    async send(roomId, type, txnId, content, signal) {
      const turn = turnOf(content);
      if (turn?.final !== true) return client.send(roomId, type, txnId, content, signal);
      points.pass("sending", { eventId: turn.cause });
      const eventId = await client.send(roomId, type, txnId, content, signal);
      points.pass("sent", { eventId: turn.cause });
      return eventId;
    },
    messages: (...args) => client.messages(...args),
    sendState: (...args) => client.sendState(...args),
    roomState: (...args) => client.roomState(...args),
    state: (...args) => client.state(...args),
    createRoom: (...args) => client.createRoom(...args),
    resolveAlias: (...args) => client.resolveAlias(...args),
    createAlias: (...args) => client.createAlias(...args),
    deleteAlias: (...args) => client.deleteAlias(...args),
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
  const { report, now } = watch;
  return {
    get abilities() {
      return letta.abilities;
    },
    listAgents: (signal) => letta.listAgents(signal),
    history: (agentId, limit, signal) => letta.history(agentId, limit, signal),
    createConversation: (agentId, signal) => letta.createConversation(agentId, signal),
    branchConversation: (from, signal) => letta.branchConversation(from, signal),
    ask: (request, signal) => watchTurn("ask", letta.ask(watchApprovals(request, watch), signal), request, watch),
    follow: (request, signal) =>
      watchTurn("follow", letta.follow(watchApprovals(request, watch), signal), request, watch),
    async lookUp(conversation, otid, signal) {
      const fate = await letta.lookUp(conversation, otid, signal);
      report({ type: "fate", otid, state: fate.state, at: now() });
      return fate;
    },
    cancel: (conversation, otid, signal) => letta.cancel(conversation, otid, signal),
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
