import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { freePort } from "../servers/free-port.ts";
import { answerTo } from "./answers.ts";
import { lateAnswers } from "./cases/late-answers.ts";
import { eventually } from "./eventually.ts";
import { messageOf } from "./room-event.ts";
import { type Resident, startWorld, type World } from "./world.ts";

const asked = z.object({
  isError: z.boolean().optional(),
  structuredContent: z.object({
    state: z.string(),
    room: z.string(),
    event: z.string(),
    answer: z.object({ outcome: z.string(), text: z.string() }),
  }),
});
const done = z.object({ state: z.literal("done"), events: z.array(z.string()) });
const told = z.object({ text: z.string().optional(), events: z.array(z.string()).optional() }).loose();
const waiting = z.object({ conversations: z.array(z.object({ state: z.string(), queued: z.number() })) });
const listed = z.object({ messages: z.array(z.object({ event: z.string(), sender: z.string(), text: z.string() })) });

/** Programs and models that use Matrix through the running program, on a real Synapse and a real Letta. */
describe("programs that have agents say something", { timeout: 120_000 }, () => {
  let started: World | undefined;
  let port: number;
  let scout: Resident;
  let sage: Resident;
  let failed = false;

  const world = (): World => {
    if (started === undefined) throw new Error("the servers did not start");
    return started;
  };

  beforeAll(async () => {
    port = await freePort();
    started = await startWorld({ config: { api: { listen: `127.0.0.1:${port}` } } });
    await started.start();
    scout = await started.agent("Scout");
    sage = await started.agent("Sage");
  }, 120_000);
  afterEach(({ task }) => {
    failed ||= task.result?.state === "fail";
  });
  afterAll(() => started?.close({ keep: failed }), 60_000);

  async function token(...options: readonly string[]): Promise<string> {
    const { code, out, err } = await world().app.command("token", "create", "test", ...options);
    expect([code, err]).toEqual([0, ""]);
    return out.trimEnd().split("\n").at(-1) ?? "";
  }

  async function rest(method: string, path: string, bearer: string, body?: object): Promise<unknown> {
    const headers = { authorization: `Bearer ${bearer}`, "content-type": "application/json" };
    const init = body === undefined ? {} : { body: JSON.stringify(body) };
    const response = await fetch(`http://127.0.0.1:${port}/api/v1${path}`, { method, headers, ...init });
    return response.json();
  }

  async function messagesIn(room: string, bearer: string, agent: string) {
    const path = `/rooms/${encodeURIComponent(room)}/messages?agent=${agent}&limit=50`;
    return listed.parse(await rest("GET", path, bearer)).messages;
  }

  it("#29 an agent asks another one by MCP: as its own user, in that one's room, and is given the answer", async () => {
    const bound = await token("--agent", "Scout", "--scope", "agents:message");
    const client = new Client({ name: "test", version: "1" });
    const requestInit = { headers: { authorization: `Bearer ${bound}` } };
    await client.connect(new StreamableHTTPClientTransport(new URL(`http://127.0.0.1:${port}/mcp`), { requestInit }));
    const call = {
      name: "send_message_to_agent",
      arguments: { agent: "sage", message: "What is the weather?", wait_seconds: 60 },
    };
    const { isError, structuredContent: told } = asked.parse(await client.callTool(call));
    await client.close();
    expect([isError ?? false, told.state, told.room]).toEqual([false, "answered", sage.roomId]);
    expect(told.answer.outcome).toBe("answer");
    const all = await messagesIn(sage.roomId, await token("--scope", "messages:read"), "Sage");
    const question = all.find(({ event }) => event === told.event);
    expect(question).toMatchObject({ sender: scout.userId, text: "What is the weather?" });
    expect(all.some(({ sender, text }) => sender === sage.userId && text.includes(told.answer.text))).toBe(true);
  });

  it("#29 a fresh agent that is told to asks another one, as its own user, and answers with what that one says", async () => {
    const { anna } = world();
    const wish = { agent: "sage", message: "Will it rain tomorrow?", wait_seconds: 25 };
    const told = `Ask Sage. [[tool=send_message_to_agent]] [[arguments=${JSON.stringify(wish)}]]`;
    const { questionId, nonce } = await world().ask(scout, told);
    const answer = await answerTo(anna, scout, questionId);
    expect(answer.outcome).toBe("answer");
    expect(answer.text).toMatch(/The tool said: .*"state":"answered"/s);
    const asked = anna.events(sage.roomId).filter((event) => messageOf(event)?.body === wish.message);
    expect(asked).toMatchObject([{ sender: scout.userId }]);
    const [{ eventId = "" } = {}] = asked;
    expect((await answerTo(anna, sage, eventId)).text).toContain(`word=${sage.secretWord}`);
    // Once for the tool, and once with what it gave.
    expect(world().calls(nonce)).toHaveLength(2);
  });

  lateAnswers(world, () => ({ asking: scout, asked: sage }));

  it("a message under one key stands in the room once, over a kill -9, too", async () => {
    const bearer = await token("--scope", "messages:send", "messages:read");
    const path = `/rooms/${encodeURIComponent(scout.roomId)}/messages`;
    const body = { text: "a report", agent: "Scout", key: "report-17" };
    const first = done.parse(await rest("POST", path, bearer, body));
    expect(done.parse(await rest("POST", path, bearer, body))).toEqual(first);
    await world().app.kill();
    await world().start();
    expect(done.parse(await rest("POST", path, bearer, body))).toEqual(first);
    const all = await messagesIn(scout.roomId, bearer, "Scout");
    expect(all.filter(({ text }) => text === "a report")).toEqual([
      { ...all.find(({ event }) => event === first.events[0]), event: first.events[0], sender: scout.userId },
    ]);
  });

  it("a paused agent keeps what is said, over a kill -9, too, and answers it once when it goes on", async () => {
    const { anna } = world();
    const bearer = await token("--scope", "admin:control", "agents:read");
    const agent = `/agents/${scout.agentId}`;
    expect(await rest("POST", `${agent}/pause`, bearer, { reason: "a new model" })).toMatchObject({ state: "paused" });
    const first = await world().ask(scout, "Are you there?");
    const notices = () =>
      anna.events(scout.roomId).filter((event) => messageOf(event)?.body.startsWith("I am paused") ?? false);
    await anna.until("a word about the pause", () => notices().length > 0 || undefined);
    await world().app.kill();
    await world().start();
    const second = await world().ask(scout, "And now?");
    await eventually("both to wait", async () => {
      const { conversations } = waiting.parse(await rest("GET", agent, bearer));
      return conversations.some(({ state, queued }) => state === "paused.waiting" && queued === 2) || undefined;
    });
    expect([...world().calls(first.nonce), ...world().calls(second.nonce)]).toEqual([]);
    expect(await rest("POST", `${agent}/resume`, bearer, {})).toMatchObject({ state: "serving" });
    for (const { questionId } of [first, second])
      expect((await answerTo(anna, scout, questionId)).outcome).toBe("answer");
    expect([world().calls(first.nonce).length, world().calls(second.nonce).length]).toEqual([1, 1]);
    expect(notices()).toHaveLength(1);
  });

  it("the bot asks an agent, and watches the answer grow; the same key is given the same answer again", async () => {
    const bearer = await token("--scope", "messages:send");
    const nonce = world().nonce();
    world().plan(nonce, { tokens: ["One,", " two,", " three,", " four,", " five."], tokensPerSecond: 4 });
    const url = `http://127.0.0.1:${port}/api/v1/rooms/${encodeURIComponent(sage.roomId)}/messages`;
    const headers = { authorization: `Bearer ${bearer}`, "content-type": "application/json" };
    const body = JSON.stringify({ text: `Count. [[nonce=${nonce}]]`, key: "count-1", wait: 60 });
    const watched = await fetch(url, {
      method: "POST",
      headers: { ...headers, accept: "text/event-stream" },
      body,
    });
    const events = (await watched.text()).split("\n\n").flatMap((block) => {
      const [, event, data = ""] = /^event: (\w+)\ndata: (.*)$/.exec(block) ?? [];
      return event === undefined ? [] : [{ event, data: told.parse(JSON.parse(data)) }];
    });
    const drafts = events.filter(({ event }) => event === "draft").map(({ data }) => data.text ?? "");
    expect(events.map(({ event }) => event)).toEqual(["message", ...drafts.map(() => "draft"), "answer", "end"]);
    expect(drafts.length).toBeGreaterThan(1);
    for (const [n, draft] of drafts.entries()) expect(draft.startsWith(drafts[n - 1] ?? "One,")).toBe(true);
    const answer = { agentId: sage.agentId, name: "Sage", outcome: "answer", text: "One, two, three, four, five." };
    expect(events.at(-2)?.data).toMatchObject(answer);
    // As one does whose connection broke: what stands in the room by then is the answer.
    await answerTo(world().anna, sage, events[0]?.data.events?.[0] ?? "");
    const again = await fetch(url, { method: "POST", headers, body });
    expect(await again.json()).toMatchObject({ state: "done", answers: [answer] });
    expect(world().calls(nonce)).toHaveLength(1);
  });

  it("the bot is let into an agent's room to say something there", async () => {
    const bearer = await token("--scope", "messages:send");
    const path = `/rooms/${encodeURIComponent(scout.roomId)}/messages`;
    expect(done.parse(await rest("POST", path, bearer, { text: "from a script" })).events).toHaveLength(1);
  });
});
