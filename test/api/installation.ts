import type { CommandContext } from "../../src/commands/command.ts";
import { addressOf, agentUserId } from "../../src/machines/addresses.ts";
import type { DeadLetter } from "../../src/runtime/dead-letter.ts";
import type { ActorRecord } from "../../src/runtime/record.ts";
import { recordOf } from "../actors/agent-record.ts";
import { untroubled } from "../commands/untroubled.ts";
import { FakeHomeserver, matrixError } from "../ports/fake-homeserver.ts";
import { SimulatedClock } from "../runtime/simulated-clock.ts";

export const server = "example.org";

/** A room in which somebody has said something. */
export const room = "!room:example.org";

/** What was said there. */
export const event = "$event";

/** Something at which the homeserver lets nobody look now: it may be anybody's. */
export const anybodys = "$anybodys";

/** One that nobody minds leaving. */
export const elsewhere = "!elsewhere:example.org";

/** A file that somebody has sent. */
export const file = "mxc://test/media-1";

/** What somebody said, in an agent's record: no answer has it. */
export const said = "canary said";

/** An agent that fares well. */
export function agentCalled(name: string, agentId: string, rest: Partial<ActorRecord> = {}): ActorRecord {
  return recordOf({
    id: addressOf.agent(server, agentId),
    machine: "agent",
    value: { account: "online", room: "ready", intake: "polling", life: "live" },
    context: {
      server,
      agentId,
      name,
      userId: agentUserId(server, agentId),
      roomId: `!${agentId}:${server}`,
      pending: said,
    },
    ...rest,
  });
}

const wake = { id: addressOf.discovery(server), machine: "discovery" };
const space = {
  id: addressOf.space(server),
  machine: "space",
  value: "ready",
  context: { spaceId: "!space:example.org", lastId: "!space:example.org", parts: 1, given: 2, capacity: 1_000 },
};

/** What is there when nothing else is said: two agents, a space, discovery, a dead letter, something in quarantine. */
export const records: readonly ActorRecord[] = [
  recordOf(wake),
  recordOf(space),
  agentCalled("Scout", "agent-1"),
  agentCalled("Muse", "agent-2"),
];

export const letter: DeadLetter = {
  id: "1764130000000-17",
  actor: addressOf.agent(server, "agent-1"),
  at: 1_764_130_000_000,
  kind: "event",
  type: "MESSAGE",
  error: { name: "Error", message: "could not be borne" },
};

/** What commands work on, where nothing changes by being asked. */
export function installation(
  all: readonly ActorRecord[] = records,
): Omit<CommandContext, "tokens" | "audit" | "server" | "clock"> {
  const homeserver = new FakeHomeserver(new SimulatedClock());
  for (const one of [room, elsewhere]) {
    homeserver.ensureRoom(one);
    for (const user of [`@letta:${server}`, agentUserId(server, "agent-1"), agentUserId(server, "agent-2")])
      homeserver.setMember(one, user, "join");
  }
  const content = { msgtype: "m.text", body: "hello there" };
  homeserver.post(room, { eventId: event, sender: "@anna:example.org", content });
  homeserver.fail("event", matrixError("unreachable"), Number.POSITIVE_INFINITY, ({ args }) => args[1] === anybodys);
  homeserver.keep({ name: "a.txt", contentType: "text/plain", bytes: Buffer.from("hello") });
  const found = { listed: 2, fresh: 0, renamed: 0, back: 0, missing: 0, disabled: 0 };
  return {
    talk: { mostHops: 10 },
    waits: { begin: () => () => undefined },
    answers: { wait: async () => undefined },
    botUserId: `@letta:${server}`,
    version: "1.2.3",
    sessions: { as: (userId) => homeserver.as(homeserver.sessionOf(userId)) },
    adoption: { adopt: async () => ({ outcome: "done", steps: [] }) },
    host: {
      ...untroubled,
      async *list(realm, machine) {
        yield* all.filter((record) => record.machine === machine && realm === server);
      },
      read: (id) => all.find((record) => record.id === id),
      accept: async () => undefined,
      // What is said in rooms is done at once.
      ask: async (_, event) => (event.type === "REPORT" ? { key: event["key"], events: ["$said"] } : found),
      journal: async () => [],
      quarantined: () => [addressOf.agent(server, "agent-1")],
      release: async () => true,
      restart: async () => true,
      deadLetters: { list: async () => [letter], replay: async () => letter, drop: async () => letter },
    },
    storage: {
      backUp: async () => ({
        store: { format: 1, id: "store", madeAt: "2026-01-01T00:00:00Z", epoch: 0 },
        at: "2026-01-02T00:00:00Z",
        rows: 3,
        records: 2,
      }),
      inspect: async () => ({ damage: [], ranges: [], actors: {}, damaged: [] }),
    },
  };
}
