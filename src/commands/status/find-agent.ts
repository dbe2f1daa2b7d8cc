import { byLikeness } from "../../config/nearest.ts";
import { addressOf } from "../../machines/addresses.ts";
import type { Host } from "../../runtime/host.ts";
import type { ActorRecord } from "../../runtime/record.ts";
import { agentOf } from "./views.ts";

type Agents = Pick<Host, "list" | "read" | "health">;

interface Candidate {
  readonly record: ActorRecord;
  readonly agentId: string;
  readonly userId: string;
  readonly name: string;
  readonly isRetired: boolean;
}

const mostSuggested = 5;

/** The agent that is meant by its id in Letta, its user id, or its name as it is written. Throws {@link NoSuchAgent}. */
export async function recordOfAgent(wanted: string, host: Agents, server: string): Promise<ActorRecord> {
  return host.read(addressOf.agent(server, wanted)) ?? choose(wanted, await candidates(host, server), written);
}

/**
 * The same, but a part of the name is enough, or a name that is a little otherwise: for who only looks, or says himself
 * whom he has found. Throws {@link NoSuchAgent}.
 */
export async function recordOfAgentLike(wanted: string, host: Agents, server: string): Promise<ActorRecord> {
  return (
    host.read(addressOf.agent(server, wanted)) ??
    choose(wanted, await candidates(host, server), isId(wanted) ? written : guessed)
  );
}

/** An id with a letter missing is no name that is a little otherwise. */
function isId(wanted: string): boolean {
  return wanted.startsWith("agent-") || wanted.startsWith("@");
}

async function candidates(host: Agents, server: string): Promise<Candidate[]> {
  const all = await Array.fromAsync(host.list(server, "agent"));
  return all.map((record) => {
    const { agentId, userId, name = "", regions } = agentOf(record, host);
    return { record, agentId, userId, name, isRetired: regions["life"] === "retired" };
  });
}

/** One way after the other of reading what was given; the first that finds somebody counts. */
type Reading = (wanted: string, among: readonly Candidate[]) => readonly Candidate[];

const written: readonly Reading[] = [
  (wanted, among) => among.filter(({ userId }) => userId === wanted),
  (wanted, among) => among.filter(({ name }) => name === wanted),
  (wanted, among) => among.filter(({ name }) => folded(name) === folded(wanted)),
];

const guessed: readonly Reading[] = [
  ...written,
  (wanted, among) => among.filter(({ name }) => folded(name).includes(folded(wanted))),
  (wanted, among) => {
    const [first, ...others] = byLikeness(
      folded(wanted),
      [...new Set(among.map(({ name }) => folded(name)))].filter((name) => name !== ""),
    );
    if (first?.isNear !== true) return [];
    const near = [first, ...others.filter(({ distance }) => distance === first.distance)];
    return among.filter(({ name }) => near.some(({ candidate }) => candidate === folded(name)));
  },
];

function choose(wanted: string, among: readonly Candidate[], readings: readonly Reading[]): ActorRecord {
  for (const reading of readings) {
    const found = reading(wanted, among);
    const living = found.filter(({ isRetired }) => !isRetired);
    const [only, ...others] = living.length > 0 ? living : found;
    if (only === undefined) continue;
    if (others.length === 0) return only.record;
    throw ambiguous(wanted, [only, ...others]);
  }
  throw missing(wanted, among);
}

function folded(name: string): string {
  return name.normalize("NFC").toLowerCase().trim();
}

function ambiguous(wanted: string, found: readonly Candidate[]): NoSuchAgent {
  const isSame = found.every(({ name }) => folded(name) === folded(wanted));
  const named = found.slice(0, mostSuggested).map(({ name, agentId }) => (isSame ? agentId : `${name} (${agentId})`));
  const more = found.length > named.length ? ` and ${found.length - named.length} more` : "";
  return new NoSuchAgent(
    isSame ? `${found.length} agents are called "${wanted}"` : `"${wanted}" may be any of ${found.length} agents`,
    `Name one by its id: ${named.join(", ")}${more}.`,
  );
}

function missing(wanted: string, among: readonly Candidate[]): NoSuchAgent {
  const names = [...new Set(among.filter(({ isRetired }) => !isRetired).map(({ name }) => name))];
  const alike = byLikeness(
    wanted,
    names.filter((name) => name !== ""),
  );
  const near = alike.filter(({ candidate, isNear }) => isNear || folded(candidate).includes(folded(wanted)));
  const shown = (near.length > 0 ? near : alike).slice(0, mostSuggested).map(({ candidate }) => candidate);
  const hint = shown.length === 0 ? "" : ` Most like it: ${shown.join(", ")}.`;
  return new NoSuchAgent(`there is no agent "${wanted}"`, `\`letta-matrix agents\` lists them.${hint}`);
}

/** No agent, or more than one, is meant by what was given. */
export class NoSuchAgent extends Error {
  override readonly name = "NoSuchAgent";
  readonly remedy: string;

  constructor(message: string, remedy: string) {
    super(message);
    this.remedy = remedy;
  }
}
