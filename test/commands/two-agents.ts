import { Markdown } from "../../src/actors/conversation/markdown.ts";
import { outboxBehaviour } from "../../src/actors/outbox/behaviour.ts";
import { Waits } from "../../src/commands/agents/waits.ts";
import type { CommandContext } from "../../src/commands/command.ts";
import { addressOf } from "../../src/machines/addresses.ts";
import type { ActorId } from "../../src/runtime/actor-id.ts";
import { partsOf } from "../../src/runtime/actor-id.ts";
import type { ActorEvent, ActorRecord } from "../../src/runtime/record.ts";
import { agentRecord } from "../actors/agent-record.ts";
import { type Town, town } from "../actors/town.ts";
import { memoryHost } from "../runtime/memory-host.ts";
import { untroubled, unused } from "./untroubled.ts";

/** Scout and Sage, each with a room of its own, and what is said for them goes out. */
export interface TwoAgents {
  readonly place: Town;
  /** Sage's. */
  readonly ownRoom: string;
  readonly waits: Waits;
  readonly context: CommandContext;
  /** What conversations were told. */
  readonly told: { readonly to: ActorId; readonly event: ActorEvent }[];
  know(record: ActorRecord): void;
  /** The agent is answering somebody; through how many agents that came. */
  answering(agentId: string, hops: number, roomId?: string): void;
  /** Lets time pass until it is over. */
  settled<T>(call: Promise<T>): Promise<T>;
}

const server = "test";

export async function twoAgents(): Promise<TwoAgents> {
  const place = await town();
  await place.sessions.ensure("agent_2", "Sage", new AbortController().signal);
  const ownRoom = place.homeserver.makeRoom("@agent_2:test");
  const records = new Map<ActorId, ActorRecord>();
  const know = (record: ActorRecord): void => {
    records.set(record.id, record);
  };
  know(agentRecord("agent-1", {}, { name: "Scout", userId: "@agent_1:test", roomId: place.roomId }));
  know(agentRecord("agent-2", {}, { name: "Sage", userId: "@agent_2:test", roomId: ownRoom }));
  const waits = new Waits();
  const told: TwoAgents["told"] = [];
  const { clock, sessions } = place;
  const botUserId = "@letta-matrix:test";
  const outbox = outboxBehaviour({ sessions, markdown: new Markdown(), botUserId, hostOf: async () => undefined });
  const { host } = await memoryHost({ clock, behaviours: [outbox] });
  const context: CommandContext = {
    ...unused,
    server,
    clock,
    sessions,
    waits,
    adoption: { adopt: () => Promise.reject(new Error("nothing is adopted here")) },
    host: {
      ...untroubled,
      accept: async (to, event, options) => {
        if (partsOf(to).machine !== "conversation") return host.accept(to, event, options);
        told.push({ to, event });
      },
      ask: host.ask.bind(host),
      journal: host.journal.bind(host),
      read: (id) => records.get(id) ?? host.read(id),
      async *list(_, machine, ...key) {
        for (const record of records.values())
          if (record.machine === machine && key.every((part, n) => partsOf(record.id).key[n] === part)) yield record;
      },
    },
  };
  return {
    place,
    ownRoom,
    told,
    waits,
    context,
    know,
    answering(agentId, hops, roomId = "!any:test") {
      const id = addressOf.conversation(server, agentId, roomId);
      const from = { agentId: "agent-9", hops };
      const current = { question: { eventId: "$q", sender: "@anna:test", from } };
      const context = { agentId, roomId, conversationId: "conv-1", queue: [], current };
      know({ ...agentRecord(agentId, {}, context), id, machine: "conversation" });
    },
    async settled(call) {
      let isOver = false;
      const end = (): void => {
        isOver = true;
      };
      call.then(end, end);
      for (let turn = 0; !isOver && turn < 500; turn++) await clock.pass(100);
      return call;
    },
  };
}
