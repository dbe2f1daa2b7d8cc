import { addressOf } from "../../machines/addresses.ts";
import type { Host } from "../../runtime/host.ts";
import type { ActorRecord } from "../../runtime/record.ts";
import { agentOf } from "./views.ts";

/** The agent that is meant by its id in Letta, its user id, or its name. Throws {@link NoSuchAgent}. */
export async function recordOfAgent(
  wanted: string,
  host: Pick<Host, "list" | "read" | "health">,
  server: string,
): Promise<ActorRecord> {
  const known = host.read(addressOf.agent(server, wanted));
  if (known !== undefined) return known;
  const found: ActorRecord[] = [];
  for await (const record of host.list(server, "agent")) {
    const { name, userId } = agentOf(record, host);
    if (userId === wanted) return record;
    if (name?.toLowerCase() === wanted.toLowerCase()) found.push(record);
  }
  const [only, ...others] = found;
  if (only === undefined) throw new NoSuchAgent(`there is no agent "${wanted}"`, "`letta-matrix agents` lists them.");
  if (others.length === 0) return only;
  const ids = found.map((record) => agentOf(record, host).agentId);
  throw new NoSuchAgent(`${found.length} agents are called "${wanted}"`, `Name one by its id: ${ids.join(", ")}.`);
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
