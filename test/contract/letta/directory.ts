import { randomUUID } from "node:crypto";
import { expect, it } from "vitest";
import { all, failure, never, type ServerUnderContract } from "./server.ts";

export function directoryContract(server: () => Pick<ServerUnderContract, "client" | "newAgent">): void {
  it("lists every agent once", async () => {
    const name = `Agent ${randomUUID()}`;
    const ids = [await server().newAgent(name), await server().newAgent()];
    const { backend, close } = await server().client();
    const agents = await all(backend.listAgents(never));
    expect(agents).toContainEqual({ id: ids[0], name });
    expect(new Set(agents.map(({ id }) => id)).size).toBe(agents.length);
    expect(agents.map(({ id }) => id)).toEqual(expect.arrayContaining(ids));
    await close();
  });

  it("gives each conversation an id of its own", async () => {
    const agentId = await server().newAgent();
    const { backend, close } = await server().client();
    const one = await backend.createConversation(agentId, never);
    const other = await backend.createConversation(agentId, never);
    expect(one.agentId).toBe(agentId);
    expect(one.conversationId).not.toBe(other.conversationId);
    await close();
  });

  it("says that there is no such agent", async () => {
    const { backend, close } = await server().client();
    const error = await failure(backend.createConversation("agent-of-nobody", never));
    expect(error).toMatchObject({ kind: "refused" });
    await close();
  });

  it("ends a request that is aborted", async () => {
    const { backend, close } = await server().client();
    const reason = new Error("not needed any more");
    await expect(all(backend.listAgents(AbortSignal.abort(reason)))).rejects.toBe(reason);
    await close();
  });
}
