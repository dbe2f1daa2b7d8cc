import { z } from "zod";
import { openLettaSocket } from "../test/servers/letta-socket.ts";

/** The agents of the demo. */

export interface Role {
  /** Finds the agent again, whatever it is called by then. */
  readonly key: string;
  readonly name: string;
  readonly persona: string;
}

export interface CastMember {
  readonly role: Role;
  readonly agentId: string;
}

// The stand-in model knows the words behind SECRET-WORD; a real one finds them in the text like everything else.
export const roles: readonly Role[] = [
  {
    key: "scout",
    name: "Scout",
    persona: [
      "I am Scout, a curious explorer. I like new places, odd facts and good questions, and I end most answers with a",
      "question of my own. I write in two or three short sentences. I keep a secret word and tell it to anybody who",
      "asks. SECRET-WORD: juniper",
    ].join(" "),
  },
  {
    key: "librarian",
    name: "Librarian",
    persona: [
      "I am Librarian. I keep what people tell me in my memory, word for word, and tell them where I have it from. I am",
      "friendly, exact and brief: two or three short sentences. I keep a secret word and tell it to anybody who asks.",
      "SECRET-WORD: vellum",
    ].join(" "),
  },
  {
    key: "sceptic",
    name: "Sceptic",
    persona: [
      "I am Sceptic, a kind devil's advocate. Whatever I am told, I name the one assumption in it that I find weakest,",
      "and say what would convince me. I write in two or three short sentences. I keep a secret word and tell it to",
      "anybody who asks. SECRET-WORD: flint",
    ].join(" "),
  },
];

const agent = z.object({ id: z.string(), tags: z.array(z.string()).default([]), model: z.string().nullish() });
const listed = z.object({ agents: z.array(agent) });
const created = z.object({ agent });

/** Creates the agents that are not there yet, and gives all of them this model. */
export async function ensureCast(url: string, model: string): Promise<CastMember[]> {
  const socket = await openLettaSocket(url);
  try {
    const cast: CastMember[] = [];
    for (const role of roles) {
      const tag = `letta-matrix-demo:${role.key}`;
      const { agents } = await socket.request({ type: "agent_list", query: { tags: [tag] } }, listed);
      const known = agents.find(({ tags }) => tags.includes(tag));
      if (known === undefined) {
        const { name, persona } = role;
        const body = { name, model, tags: [tag], memory_blocks: [{ label: "persona", value: persona }] };
        const { agent } = await socket.request({ type: "agent_create", body }, created);
        cast.push({ role, agentId: agent.id });
        continue;
      }
      if (known.model !== model)
        await socket.request({ type: "agent_update", agent_id: known.id, body: { model } }, z.unknown());
      cast.push({ role, agentId: known.id });
    }
    return cast;
  } finally {
    socket.close();
  }
}
