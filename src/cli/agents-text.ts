import type { AgentDetail, AgentList, AgentStatus, RoomList } from "../commands/status/schema.ts";
import { duration } from "./duration.ts";
import { agentTable, plainRow, troubleTable, waitTable, withRemedy } from "./status-tables.ts";
import { crashTable, lastCrash, letterTable } from "./supervision-text.ts";
import { table } from "./table.ts";
import { layoutFor, type Terminal } from "./terminal.ts";

export function agentsText({ agents, at }: AgentList, terminal: Terminal): string {
  if (agents.length === 0) return "No agents yet: `letta-matrix discovery run` looks for them now.\n";
  const waits = agents.map(({ name, agentId, wait }) => [name ?? agentId, wait] as const);
  return sections(agentTable(agents, terminal), waitTable(waits, at, terminal));
}

export function roomsText({ rooms, at }: RoomList, terminal: Terminal): string {
  if (rooms.length === 0) return "No rooms yet.\n";
  const rows = rooms.map(({ roomId, name, agentId, own, conversation }) => [
    roomId,
    name ?? agentId,
    own ? "own" : "guest",
    conversation?.state ?? "never asked",
    String(conversation?.queued ?? 0),
  ]);
  const waits = rooms.map(({ roomId, conversation }) => [roomId, conversation?.wait] as const);
  const heading = ["ROOM", "AGENT", "AS", "CONVERSATION", "QUEUED"];
  return sections(table([heading, ...rows].map(plainRow), layoutFor(terminal)), waitTable(waits, at, terminal));
}

/** Lines of the journal that a terminal is shown; `--json` has them all. */
const shownLines = 20;

export function agentText(detail: AgentDetail, terminal: Terminal): string {
  const { agent, at, conversations, troubles } = detail;
  const layout = layoutFor(terminal);
  const facts = [
    ["name", agent.name ?? "not known yet"],
    ["id", agent.agentId],
    ["user", agent.userId],
    ["room", agent.roomId ?? "no room"],
    ["health", agent.health],
    ...(agent.paused === undefined ? [] : [["paused", pauseOf(agent.paused, at)]]),
    ...Object.entries(agent.regions),
  ];
  const heading = ["CONVERSATION IN", "STATE", "QUEUED"];
  const asked = conversations.map(({ roomId, state, queued }) => [roomId, state, String(queued)]);
  const waits = conversations.map(({ roomId, wait }) => [roomId, wait] as const);
  const waiting: Parameters<typeof waitTable>[0] =
    detail.concerns.length > 0 ? waits : [[agent.name ?? agent.agentId, agent.wait], ...waits];
  return sections(
    table(facts.map(plainRow), { width: terminal.width }),
    asked.length === 0 ? "" : table([heading, ...asked].map(plainRow), layout),
    concerns(detail, terminal),
    waitTable(waiting, at, terminal),
    troubleTable(troubles, at, terminal),
    crashTable(detail, terminal),
    lastCrash(detail, terminal),
    letterTable(detail.deadLetters, at, terminal),
    journal(detail, terminal),
  );
}

function pauseOf({ since, reason }: NonNullable<AgentStatus["paused"]>, at: number): string {
  return `for ${duration(at - since)}${reason === undefined ? "" : `: ${reason}`}`;
}

function concerns({ concerns: all, agent, at }: AgentDetail, terminal: Terminal): string {
  const next = agent.wait?.until;
  const rows = all.map(({ concern, tries, since, ...wait }, index) => [
    concern,
    String(tries),
    duration(at - since),
    index === 0 && next !== undefined ? `in ${duration(next - at)}` : "",
    withRemedy(wait),
  ]);
  if (rows.length === 0) return "";
  return table(
    [["TROUBLE WITH", "TRIES", "SINCE", "NEXT TRY", "FOR"], ...rows].map(plainRow),
    layoutFor(terminal, "waiting"),
  );
}

/** The newest lines, each with what has changed in it. */
function journal({ journal: all, at }: AgentDetail, terminal: Terminal): string {
  if (all.length === 0) return "";
  const rows = all
    .slice(-shownLines)
    .map(({ at: when, event, from, to, effects, handled }) => [
      when === 0 ? "" : `${duration(at - when)} ago`,
      event,
      handled ? changeOf(from, to) : "(nothing takes it)",
      effects.join(", "),
    ]);
  return table([["JOURNAL", "EVENT", "STATE", "EFFECTS"], ...rows].map(plainRow), layoutFor(terminal));
}

function changeOf(from: string | undefined, to: string): string {
  if (from === undefined) return to;
  const before = new Set(from.split(", "));
  return to
    .split(", ")
    .filter((region) => !before.has(region))
    .join(", ");
}

function sections(...all: readonly string[]): string {
  return all.filter(Boolean).join("\n");
}
