import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import type { ToolCall } from "../../../src/letta/port.ts";
import { all, answerIn, type Client, failure, never, question, type ServerUnderContract } from "./server.ts";

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

  it.each([
    [true, "approved"],
    [false, "denied"],
  ] as const)(
    "asks a person about a tool that waits and is to be asked about, for longer than a model may be silent (%s)",
    async (allowed, outcome) => {
      const client = await server().client({ toolAskList: ["memory_insert"], idleTimeoutMs: 2_000 });
      const calls: ToolCall[] = [];
      const asked = {
        ...(await asking(client, `[[tool=memory_insert]] ${remember}`, "memory_insert")),
        async askPerson(call: ToolCall) {
          calls.push(call);
          expect(await client.backend.lookUp(asked.conversation, asked.otid, never)).toEqual({ state: "running" });
          await sleep(3_000);
          return { allowed, reason: "Anna wants it so." };
        },
      };
      const events = await all(client.backend.ask(asked, never));
      expect(calls).toMatchObject([{ name: "memory_insert", input: { label: "persona", new_string: "I learn." } }]);
      expect(events.filter(({ type }) => type === "tool")).toEqual([{ type: "tool", name: "memory_insert", outcome }]);
      expect(asked.approvals).toEqual(allowed ? ["memory_insert"] : []);
      expect(events.at(-1)).toEqual({ type: "finished", stopReason: "end_turn" });
      expect(answerIn(events)).toContain("The tool said:");
      if (allowed) expect(answerIn(events)).not.toContain("denied");
      else expect(answerIn(events)).toContain("Anna wants it so.");
      await client.close();
    },
  );

  it("denies a tool that is to be asked about where nobody can be asked", async () => {
    const client = await server().client({ toolAskList: ["memory_insert"] });
    const asked = await asking(client, `[[tool=memory_insert]] ${remember}`, "memory_insert");
    const events = await all(client.backend.ask(asked, never));
    expect(events).toContainEqual({ type: "tool", name: "memory_insert", outcome: "denied" });
    expect(asked.approvals).toEqual([]);
    await client.close();
  });

  it("ends a turn that is cancelled while a person is asked, runs nothing, and takes the next message", async () => {
    const client = await server().client({ toolAskList: ["memory_insert"] });
    const wanted = Promise.withResolvers<AbortSignal>();
    const asked = {
      ...(await asking(client, `[[tool=memory_insert]] ${remember}`, "memory_insert")),
      async askPerson(_call: ToolCall, over: AbortSignal) {
        wanted.resolve(over);
        await new Promise((resolve) => over.addEventListener("abort", resolve));
        return { allowed: true, reason: "Too late." };
      },
    };
    const ended = failure(all(client.backend.ask(asked, never)));
    const over = await wanted.promise;
    await client.backend.cancel(asked.conversation, asked.otid, never);
    expect(await ended).toMatchObject({ kind: "failed" });
    expect(over.aborted).toBe(true);
    expect(asked.approvals).toEqual([]);
    expect(await client.backend.lookUp(asked.conversation, asked.otid, never)).toEqual({ state: "lost" });
    const next = question(asked.conversation);
    expect(answerIn(await all(client.backend.ask(next, never)))).toContain(next.nonce);
    expect(server().past(next.nonce).join("\n")).toContain("was given up");
    await client.close();
  });

  it("asks about the same call again after a crash while a person was asked, and runs it once it is allowed", async () => {
    const crashing = await server().client({ toolAskList: ["memory_insert"] });
    const wanted = Promise.withResolvers<ToolCall>();
    const death = new AbortController();
    const asked = {
      ...(await asking(crashing, `[[tool=memory_insert]] ${remember}`, "memory_insert")),
      async askPerson(call: ToolCall) {
        wanted.resolve(call);
        return await new Promise<never>(() => undefined);
      },
    };
    const died = all(crashing.backend.ask(asked, death.signal)).catch((error: unknown) => error);
    const call = await wanted.promise;
    crashing.crash();
    death.abort(new Error("the process is gone"));
    expect(await died).toBe(death.signal.reason);
    const client = await server().client({ toolAskList: ["memory_insert"] });
    expect(await client.backend.lookUp(asked.conversation, asked.otid, never)).toEqual({ state: "running" });
    const calls: ToolCall[] = [];
    const again = {
      ...asked,
      async askPerson(call: ToolCall) {
        calls.push(call);
        return { allowed: true, reason: "Anna wants it so." };
      },
    };
    const events = await all(client.backend.follow(again, never));
    expect(calls).toEqual([call]);
    expect(asked.approvals).toEqual(["memory_insert"]);
    expect(answerIn(events)).toContain("The tool said:");
    await expect
      .poll(() => client.backend.lookUp(asked.conversation, asked.otid, never))
      .toMatchObject({ state: "answered" });
    await Promise.all([crashing.close(), client.close()]);
  });

  it("runs a tool once that a person allowed, though the answer to it is sent again after a crash", async () => {
    const crashing = await server().client({ toolAskList: ["memory_insert"] });
    const askPerson = async () => ({ allowed: true, reason: "Anna wants it so." });
    const death = new AbortController();
    const asked = {
      ...(await asking(crashing, `[[tool=memory_insert]] ${remember}`, "memory_insert")),
      askPerson,
    };
    for await (const { type } of crashing.backend.ask(asked, death.signal)) if (type === "text") break;
    crashing.crash();
    death.abort(new Error("the process is gone"));
    const client = await server().client({ toolAskList: ["memory_insert"] });
    const settled = async () => {
      const fate = await client.backend.lookUp(asked.conversation, asked.otid, never);
      if (fate.state === "running") await all(client.backend.follow(asked, never));
      return fate.state;
    };
    await expect.poll(settled, { timeout: 10_000 }).toBe("answered");
    // The model was asked for the call, and what to say of it.
    expect(server().modelCalls(asked.nonce)).toHaveLength(2);
    await Promise.all([crashing.close(), client.close()]);
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
