import { randomBytes } from "node:crypto";
import { appendFile, readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { addressOf, agentLocalpart, agentUserId } from "../../src/machines/addresses.ts";
import { keys } from "../../src/runtime/embedded/keys.ts";
import { openStore } from "../../src/runtime/embedded/open.ts";
import type { Write } from "../../src/runtime/embedded/store.ts";
import { type Entry, entry } from "../servers/homeserver/entries.ts";

export interface KnownAgent {
  readonly id: string;
  readonly name: string;
}

export interface Copying {
  /** Of the stand-in homeserver, which does not run. */
  readonly homeserver: string;
  /** Of the program, which does not run. */
  readonly data: string;
  readonly server: string;
  /** Agents that the program has made, and that are at rest. */
  readonly made: readonly KnownAgent[];
  /** Agents that are to be known as those are. */
  readonly wanted: readonly KnownAgent[];
}

const context = z.object({ context: z.object({ roomId: z.string() }) });
/** Copies that are put into the store at once. */
const atOnce = 500;

/**
 * Has program and homeserver know more agents than the program had the time to make: each as one that it made, with a user,
 * a session, a room and a record of its own.
 */
export async function copyAgents({ homeserver, data, server, made, wanted }: Copying): Promise<void> {
  const journal = join(homeserver, "journal.jsonl");
  const lines = (await readFile(journal, "utf8")).trimEnd().split("\n");
  const entries = lines.flatMap((line) => z.array(entry).parse(JSON.parse(line)));
  const { store, vault, close } = await openStore(join(data, "store"), (error) => {
    throw error;
  });
  try {
    const originals = made.map((agent) => {
      const record = store.get(keys.record(addressOf.agent(server, agent.id))) ?? "";
      const session = vault.get(`session ${agentUserId(server, agent.id)}`) ?? "";
      const { roomId } = context.parse(JSON.parse(record)).context;
      return { agent, record, session, roomId, history: historyOf(entries, agent, roomId) };
    });
    let events = entries.filter(({ what }) => what === "event").length;
    for (let from = 0; from < wanted.length; from += atOnce) {
      const writes: Write[] = [];
      const written: string[] = [];
      for (const [index, copy] of wanted.slice(from, from + atOnce).entries()) {
        const original = originals[(from + index) % originals.length];
        if (original === undefined) throw new Error("there is no agent to copy");
        const renamed = renaming(original, copy);
        const put = (key: string, value: string): void => void writes.push({ type: "put", key, value: renamed(value) });
        put(keys.record(addressOf.agent(server, copy.id)), original.record);
        put(keys.vault(`session ${agentUserId(server, copy.id)}`), original.session);
        written.push(renamed(JSON.stringify(original.history)));
        events += original.history.filter(({ what }) => what === "event").length;
      }
      await store.commit(writes);
      await appendFile(journal, `${written.join("\n")}\n`);
    }
    // Else the homeserver would push all of this.
    const handled: Entry = { what: "pushes handled", service: "letta-matrix", at: events };
    await appendFile(journal, `${JSON.stringify([handled])}\n`);
  } finally {
    await close();
  }
}

function historyOf(entries: readonly Entry[], { id }: KnownAgent, roomId: string): readonly Entry[] {
  const localpart = agentLocalpart(id);
  return entries.filter((one) => {
    const text = JSON.stringify(one);
    return text.includes(localpart) || text.includes(roomId);
  });
}

/** What tells one agent from another, in whatever text. */
function renaming({ agent, roomId }: { readonly agent: KnownAgent; readonly roomId: string }, copy: KnownAgent) {
  const newRoom = `!${randomBytes(24).toString("base64url")}`;
  const known = new Map<string, string>();
  const anew = (id: string, make: () => string): string => {
    const again = known.get(id) ?? make();
    known.set(id, again);
    return again;
  };
  return (text: string): string =>
    text
      .replaceAll(roomId, newRoom)
      .replaceAll(agent.id, copy.id)
      .replaceAll(agentLocalpart(agent.id), agentLocalpart(copy.id))
      .replaceAll(JSON.stringify(agent.name), JSON.stringify(copy.name))
      .replaceAll(/\$[\w-]{43}/g, (id) => anew(id, () => `$${randomBytes(32).toString("base64url")}`))
      .replaceAll(/syt_[\w-]{36}/g, (id) => anew(id, () => `syt_${randomBytes(18).toString("hex")}`));
}
