import type { AgentDetail } from "../commands/status/schema.ts";
import type { PausedOrNot } from "../commands/supervision/pause.ts";
import type { Reprovisioning } from "../commands/supervision/reprovision.ts";
import type { Restarted } from "../commands/supervision/restart.ts";
import type { DeadLetterList, DeadLetterStatus, Released } from "../commands/supervision/schema.ts";
import { plain } from "./console.ts";
import { duration } from "./duration.ts";
import { plainRow } from "./status-tables.ts";
import { table } from "./table.ts";
import { layoutFor, type Terminal } from "./terminal.ts";

/** What could not be borne. */
export function letterTable(all: readonly DeadLetterStatus[], now: number, terminal: Terminal): string {
  if (all.length === 0) return "";
  const rows = all.map(({ id, actor, at, kind, type, cause, crash, error }) => [
    id,
    actor,
    at === 0 ? "" : `${duration(now - at)} ago`,
    `${kind} ${type}`,
    cause ?? "",
    error ?? (crash === undefined ? "" : `crash ${crash}`),
  ]);
  const heading = ["DEAD LETTER", "OF", "SINCE", "WHAT", "CAUSE", "WHY"];
  return table([heading, ...rows].map(plainRow), layoutFor(terminal, "alarming"));
}

export function lettersText({ letters, at }: DeadLetterList, terminal: Terminal): string {
  return letters.length === 0 ? "No dead letters.\n" : letterTable(letters, at, terminal);
}

export function letterText(what: string, { id, kind, type, actor }: DeadLetterStatus): string {
  return `${what} ${plain(id)}: the ${kind} ${plain(type)} of ${plain(actor)}\n`;
}

export function releasedText({ actors }: Released): string {
  return actors.map((actor) => `released ${plain(actor)}\n`).join("");
}

export function pausedText({ name, agentId, state }: PausedOrNot): string {
  const who = plain(name ?? agentId);
  return state === "paused" ? `${who} is paused: \`letta-matrix resume\` has it go on\n` : `${who} goes on\n`;
}

export function restartedText({ name, agentId, actors }: Restarted): string {
  if (actors.length === 0) return `${plain(name ?? agentId)} is at rest: nothing of it runs that could be restarted\n`;
  return actors.map((actor) => `restarted ${plain(actor)}\n`).join("");
}

export function reprovisioningText({ name, agentId }: Reprovisioning): string {
  const who = plain(name ?? agentId);
  return `${who} looks at all that it has: \`letta-matrix agent\` shows how far it is\n`;
}

/** What has crashed, and why. */
export function crashTable({ crashes, at }: AgentDetail, terminal: Terminal): string {
  const rows = crashes.map(({ id, actor, at: when, incarnation, stimulus, error, causes, remedy }) => [
    id,
    `${duration(at - when)} ago`,
    actor,
    String(incarnation),
    stimulus,
    [error, ...causes].join(": ") + (remedy === undefined ? "" : ` (${remedy})`),
  ]);
  if (rows.length === 0) return "";
  const heading = ["CRASH", "WHEN", "OF", "INCARNATION", "WHILE HANDLING", "ERROR"];
  return table([heading, ...rows].map(plainRow), layoutFor(terminal, "alarming"));
}

/** What led to the last crash. */
export function lastCrash({ crashes, at }: AgentDetail, terminal: Terminal): string {
  const last = crashes.at(-1);
  if (last === undefined || last.journal.length === 0) return "";
  const rows = last.journal.map(({ at: when, event, to, effects }) => [
    `${duration(at - when)} ago`,
    event,
    to,
    effects.join(", "),
  ]);
  return table([["BEFORE THE LAST CRASH", "EVENT", "STATE", "EFFECTS"], ...rows].map(plainRow), layoutFor(terminal));
}
