import { type AgentKeys, LettaError, type OfferedTools } from "../port.ts";
import type { RestApi } from "./api.ts";
import { authorizationBy, type EquippedAgent, type McpServer, type NamedTool, variable } from "./equipment.ts";

/** Tools of ours at Letta: one MCP server that is registered for all agents, its tools attached to each. */
export class Attachment {
  readonly #api: RestApi;
  /** By name and address; several agents that are made at once register it once. */
  #registered: { readonly as: string; readonly tools: Promise<readonly NamedTool[]> } | undefined;

  constructor(api: RestApi) {
    this.#api = api;
  }

  async attach(agentId: string, offered: OfferedTools, keys: AgentKeys, signal: AbortSignal): Promise<void> {
    const tools = await this.#tools(offered, keys, signal);
    const agent = await this.#api.equipped(agentId, signal);
    if (agent === undefined) throw gone(agentId);
    const secrets = secretsOf(agent);
    const key = secrets[variable];
    if (key === undefined || !keys.isGood(key))
      await this.#api.setSecrets(agentId, { ...secrets, [variable]: await keys.make() }, signal);
    // The key comes first: a tool without it would be refused.
    const attached = new Set((agent.tools ?? []).map(({ id }) => id));
    for (const { id } of tools) if (!attached.has(id)) await this.#attachOne(agentId, id, signal);
  }

  async detach(agentId: string, { name }: Pick<OfferedTools, "name">, signal: AbortSignal): Promise<void> {
    const agent = await this.#api.equipped(agentId, signal);
    if (agent === undefined) return;
    const server = (await this.#api.mcpServers(signal)).find(({ server_name }) => server_name === name);
    const ours = new Set((server === undefined ? [] : await this.#api.mcpTools(server.id, signal)).map(({ id }) => id));
    for (const { id } of agent.tools ?? []) if (ours.has(id)) await this.#api.detachTool(agentId, id, signal);
    if (!(agent.secrets ?? []).some(({ key }) => key === variable)) return;
    const { [variable]: _, ...others } = secretsOf(agent);
    await this.#api.setSecrets(agentId, others, signal);
  }

  async withdraw({ name }: Pick<OfferedTools, "name">, signal: AbortSignal): Promise<void> {
    for (const { id, server_name } of await this.#api.mcpServers(signal))
      if (server_name === name) await this.#api.deleteMcpServer(id, signal);
  }

  async #attachOne(agentId: string, toolId: string, signal: AbortSignal): Promise<void> {
    try {
      await this.#api.attachTool(agentId, toolId, signal);
    } catch (error) {
      // The registration may be another one by now: the next try looks.
      this.#registered = undefined;
      throw error;
    }
  }

  /** Letta's ids of what is offered; registers it where it is not. */
  #tools(offered: OfferedTools, keys: AgentKeys, signal: AbortSignal): Promise<readonly NamedTool[]> {
    const as = JSON.stringify([offered.name, offered.url]);
    if (this.#registered?.as !== as) {
      const tools = this.#register(offered, keys, signal);
      const registered = { as, tools };
      this.#registered = registered;
      tools.catch(() => {
        if (this.#registered === registered) this.#registered = undefined;
      });
    }
    return this.#registered.tools;
  }

  async #register(offered: OfferedTools, keys: AgentKeys, signal: AbortSignal): Promise<readonly NamedTool[]> {
    const { name, url } = offered;
    const known = (await this.#api.mcpServers(signal)).find(({ server_name }) => server_name === name);
    const before = known?.server_url === url ? await this.#offeredBy(known, offered, signal) : [];
    if (known !== undefined && before.length === offered.tools.length) {
      await this.#closeLook(known, url, signal);
      return before;
    }
    const server = await keys.toLook(async (key) => {
      // A new one is looked at as it is registered.
      if (known === undefined) return await this.#api.addMcpServer(name, url, key, signal);
      const changed = await this.#api.changeMcpServer(known.id, url, key, signal);
      await this.#api.refreshMcpServer(known.id, signal);
      return changed;
    });
    await this.#closeLook(server, url, signal);
    const after = await this.#offeredBy(server, offered, signal);
    if (after.length < offered.tools.length) throw unseen(offered, after);
    return after;
  }

  async #offeredBy({ id }: McpServer, { tools }: OfferedTools, signal: AbortSignal): Promise<readonly NamedTool[]> {
    return (await this.#api.mcpTools(id, signal)).filter(({ name }) => tools.includes(name));
  }

  /** Takes the key away by which it was looked, also one that was left when we ended in the midst of it. */
  async #closeLook({ id, auth_token }: McpServer, url: string, signal: AbortSignal): Promise<void> {
    if (auth_token !== authorizationBy()) await this.#api.changeMcpServer(id, url, undefined, signal);
  }
}

/** All of them are written again with ours. Throws where one would be lost by that. */
function secretsOf({ secrets }: EquippedAgent): Readonly<Record<string, string>> {
  const entries = (secrets ?? []).flatMap(({ key, value }): (readonly [string, string])[] => {
    if (value !== undefined && value !== null) return [[key, value]];
    if (key === variable) return [];
    throw new LettaError("refused", `Letta does not tell the value of the agent's variable ${key}`, {
      remedy: "Ours cannot be added without losing it: add it yourself, or take the other one away.",
    });
  });
  return Object.fromEntries(entries);
}

function gone(agentId: string): LettaError {
  return new LettaError("gone", `Letta does not have the agent ${agentId}`, { remedy: "Nothing is to be done." });
}

function unseen({ url, tools }: OfferedTools, seen: readonly NamedTool[]): LettaError {
  const missing = tools.filter((tool) => seen.every(({ name }) => name !== tool));
  return new LettaError("refused", `Letta does not see these tools at ${url}: ${missing.join(", ")}`, {
    remedy: "Check that Letta reaches api.public_url; it takes only public addresses.",
  });
}
