import { expect, it } from "vitest";
import { all, answerIn, type Client, never, question, type ServerUnderContract } from "./server.ts";

const remember = `[[arguments={"label":"persona","new_string":"I learn."}]]`;
const forbidden = "fetch_webpage";

/** On a server where the agent's own settings decide which tools run, and which of them wait for us. */
export function ungatedToolsContract(server: () => ServerUnderContract): void {
  const asking = async ({ backend }: Client, directives: string, gated?: string) =>
    question(await backend.createConversation(await server().newAgent(undefined, gated), never), directives);

  it("writes down that a tool runs which the agent's settings let run, and tells of it", async () => {
    const client = await server().client();
    const asked = await asking(client, `[[tool=memory_insert]] ${remember}`);
    const events = await all(client.backend.ask(asked, never));
    expect(events).toContainEqual({ type: "tool", name: "memory_insert", outcome: "approved" });
    expect(asked.approvals).toEqual(["memory_insert"]);
    expect(answerIn(events)).toContain("The tool said:");
    expect(await client.backend.lookUp(asked.conversation, asked.otid, never)).toEqual({
      state: "answered",
      text: answerIn(events),
    });
    await client.close();
  });

  it("lets an agent use its memory that waits for approval, once that is written down", async () => {
    const client = await server().client();
    const asked = await asking(client, `[[tool=memory_insert]] ${remember}`, "memory_insert");
    const events = await all(client.backend.ask(asked, never));
    expect(events.filter(({ type }) => type === "tool")).toEqual([
      { type: "tool", name: "memory_insert", outcome: "approved" },
    ]);
    expect(asked.approvals).toEqual(["memory_insert"]);
    expect(answerIn(events)).toContain("The tool said:");
    expect(answerIn(events)).not.toContain("denied");
    await client.close();
  });

  it("denies a tool that waits for approval and that the operator did not name", async () => {
    const client = await server().client();
    const asked = await asking(client, `[[tool=${forbidden}]] [[arguments={"url":"http://127.0.0.1:9/"}]]`, forbidden);
    const events = await all(client.backend.ask(asked, never));
    expect(events).toContainEqual({ type: "tool", name: forbidden, outcome: "denied" });
    expect(events.at(-1)).toEqual({ type: "finished", stopReason: "end_turn" });
    expect(answerIn(events)).toContain(`The tool ${forbidden} is not allowed here.`);
    expect(asked.approvals).toEqual([]);
    await client.close();
  });

  it("does not run a tool whose approval cannot be written down", async () => {
    const client = await server().client({ toolAllowList: [forbidden] });
    const asked = {
      ...(await asking(client, `[[tool=${forbidden}]] [[arguments={"url":"http://127.0.0.1:9/"}]]`, forbidden)),
      beforeApproval: () => Promise.reject(new Error("the disk is full")),
    };
    const events = await all(client.backend.ask(asked, never));
    expect(events).toContainEqual({ type: "tool", name: forbidden, outcome: "denied" });
    expect(answerIn(events)).toContain("could not be written down");
    await client.close();
  });

  it("takes up a turn whose client died while a tool waited for approval, and ends it", async () => {
    const client = await server().client();
    let waits = () => {};
    const waiting = new Promise<void>((resolve) => {
      waits = resolve;
    });
    const stop = new AbortController();
    const asked = await asking(client, `[[tool=memory_insert]] ${remember}`, "memory_insert");
    const dying = {
      ...asked,
      beforeApproval: () => {
        waits();
        return new Promise<void>(() => {});
      },
    };
    void all(client.backend.ask(dying, stop.signal)).catch(() => {});
    await waiting;
    const other = await server().client();
    expect(await other.backend.lookUp(asked.conversation, asked.otid, never)).toEqual({ state: "running" });
    expect(answerIn(await all(other.backend.follow(asked, never)))).toContain(asked.nonce);
    expect(asked.approvals).toEqual(["memory_insert"]);
    await expect
      .poll(() => other.backend.lookUp(asked.conversation, asked.otid, never))
      .toMatchObject({ state: "answered" });
    await Promise.all([client.close(), other.close()]);
  });

  it("#23 is not blocked by a tool call that an earlier message left waiting: it is denied, and a new attempt answered", async () => {
    const client = await server().client();
    const abandoned = await asking(client, `[[tool=memory_insert]] ${remember}`, "memory_insert");
    let waits = () => {};
    const waiting = new Promise<void>((resolve) => {
      waits = resolve;
    });
    const dying = {
      ...abandoned,
      beforeApproval: () => {
        waits();
        return new Promise<void>(() => {});
      },
    };
    void all(client.backend.ask(dying, never)).catch(() => {});
    await waiting;
    const other = await server().client();
    const next = question(abandoned.conversation);
    const first = await all(other.backend.ask(next, never)).catch((error: unknown) => error);
    if (first instanceof Error) {
      expect(first).toMatchObject({ kind: "busy" });
      expect(await other.backend.lookUp(next.conversation, next.otid, never)).toEqual({ state: "lost" });
      const again = question(abandoned.conversation);
      expect(answerIn(await all(other.backend.ask(again, never)))).toContain(again.nonce);
    }
    await Promise.all([client.close(), other.close()]);
  });
}
