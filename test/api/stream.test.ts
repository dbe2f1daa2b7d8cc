import { request } from "node:http";
import { afterEach, describe, expect, test } from "vitest";
import type { CommandContext } from "../../src/commands/command.ts";
import { installation, server } from "./installation.ts";
import { type Served, serve } from "./served.ts";

/** What is said in an agent's room, and what comes of it, as it comes. */

const room = `!agent-1:${server}`;
const path = `/api/v1/rooms/${encodeURIComponent(room)}/messages`;

let api: Served | undefined;
afterEach(() => api?.stop());

interface Watched {
  readonly status: number;
  readonly type: string;
  readonly text: string;
  readonly events: readonly { readonly event: string; readonly data: Record<string, unknown> }[];
}

/** Posts, and reads to the end; `onText` hears of all so far, and may go away. */
function watch(
  port: number,
  token: string,
  body: object,
  onText: (text: string, leave: () => void) => void = () => {},
) {
  return new Promise<Watched>((resolve, reject) => {
    const headers = {
      "content-type": "application/json",
      accept: "text/event-stream",
      authorization: `Bearer ${token}`,
    };
    const sent = request({ host: "127.0.0.1", port, method: "POST", path, headers }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        text += chunk;
        onText(text, () => sent.destroy());
      });
      response.once("close", () => {
        const events = text.split("\n\n").flatMap((block) => {
          const [, event, data] = /^event: (\w+)\ndata: (.*)$/s.exec(block) ?? [];
          return event === undefined || data === undefined ? [] : [{ event, data: JSON.parse(data) }];
        });
        const type = response.headers["content-type"] ?? "";
        resolve({ status: response.statusCode ?? 0, type, text, events });
      });
    });
    sent.once("error", reject);
    sent.end(JSON.stringify(body));
  });
}

type Wait = CommandContext["answers"]["wait"];

async function started(wait: Wait): Promise<{ api: Served; token: string }> {
  api = await serve({ context: { ...installation(), answers: { wait } } });
  return { api, token: await api.tokenFor(["messages:send"]) };
}

const answering: Wait = async (_place, _patience, _signal, onDraft) => {
  onDraft?.("Fo");
  onDraft?.("Four");
  return { outcome: "answer", text: "Four." };
};

describe("a message whose answer is waited for", () => {
  test("is answered in one piece", async () => {
    const { api, token } = await started(answering);
    const { status, body } = await api.ask("POST", path, { token, body: { text: "Two and two?", wait: 10 } });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      state: "done",
      events: ["$said"],
      answers: [{ agentId: "agent-1", name: "Scout", outcome: "answer", text: "Four." }],
    });
  });

  test("has no answer when none comes in time, and says how long was waited", async () => {
    let patience = 0;
    const { api, token } = await started(async (_, given) => {
      patience = given;
      return undefined;
    });
    const { body } = await api.ask("POST", path, { token, body: { text: "Two and two?", wait: 10 } });
    expect([body["answers"], patience]).toEqual([[], 10_000]);
  });

  test("is not said where nobody would answer", async () => {
    const { api, token } = await started(answering);
    const other = path.replace("agent-1", "nobody");
    const { status, body } = await api.ask("POST", other, { token, body: { text: "Hello?", wait: 10 } });
    expect([status, body["detail"]]).toEqual([409, expect.stringContaining("no agent would answer")]);
    expect(body["remedy"]).toContain("Mention an agent");
  });

  test("is not waited for by an agent of itself", async () => {
    const { api } = await started(answering);
    const token = await api.tokenFor(["messages:send"], { agentId: "agent-1" });
    expect((await api.ask("POST", path, { token, body: { text: "Hello?", wait: 10 } })).status).toBe(409);
  });
});

describe("a stream", () => {
  test("tells that it was said, how the answer grows, the answer, and the end", async () => {
    const { api, token } = await started(answering);
    const who = { agentId: "agent-1", name: "Scout" };
    const { status, type, events } = await watch(api.port, token, { text: "Two and two?" });
    expect([status, type]).toEqual([200, "text/event-stream"]);
    expect(events).toMatchObject([
      { event: "message", data: { state: "done", events: ["$said"] } },
      { event: "draft", data: { ...who, text: "Fo" } },
      { event: "draft", data: { ...who, text: "Four" } },
      { event: "answer", data: { ...who, outcome: "answer", text: "Four." } },
      { event: "end", data: { state: "done", answers: [{ ...who, text: "Four." }] } },
    ]);
  });

  test("is refused as ever before it begins", async () => {
    const { api, token } = await started(answering);
    for (const [bearer, body, status] of [
      ["nonsense", { text: "x" }, 401],
      [await api.tokenFor(["rooms:read"]), { text: "x" }, 403],
      [token, { text: "x", colour: "red" }, 400],
    ] as const) {
      const refused = await watch(api.port, bearer, body);
      expect([refused.status, refused.type]).toEqual([status, expect.stringContaining("application/problem+json")]);
    }
  });

  test("tells what goes wrong afterwards, and hides what nobody wrote to be read, which only the log explains", async () => {
    const error = new Error("canary within");
    const { api, token } = await started(() => Promise.reject(error));
    const { events, text } = await watch(api.port, token, { text: "x" });
    expect(events).toMatchObject([{ event: "message" }, { event: "problem", data: { status: 500 } }]);
    expect(text).not.toContain("canary");
    const requestId = events.at(-1)?.data["request_id"];
    expect(api.logged).toEqual([
      { err: error, requestId, route: "/api/v1/rooms/:room/messages", message: "a request failed" },
    ]);
  });

  test("gives a sign of life while nothing comes", async () => {
    const answer = Promise.withResolvers<undefined>();
    const { api, token } = await started(() => answer.promise);
    const watched = watch(api.port, token, { text: "x" }, (text) => {
      if (text.includes("\n:\n\n")) answer.resolve(undefined);
      else void api.clock.pass(15_000);
    });
    expect((await watched).events.map(({ event }) => event)).toEqual(["message", "end"]);
  });

  test("that is left costs nothing more", async () => {
    const ended = Promise.withResolvers<unknown>();
    const { api, token } = await started((_place, _patience, signal) => {
      const waited = Promise.withResolvers<undefined>();
      signal.addEventListener("abort", () => {
        ended.resolve(signal.reason);
        waited.reject(signal.reason);
      });
      return waited.promise;
    });
    void watch(api.port, token, { text: "x" }, (_, leave) => leave()).catch(() => undefined);
    expect(await ended.promise).toMatchObject({ message: "the caller is gone" });
    await api.stop();
    expect(api.logged).toEqual([]);
  });

  test("ends with the token", async () => {
    const { api, token } = await started((_place, _patience, signal) => {
      const waited = Promise.withResolvers<undefined>();
      signal.addEventListener("abort", () => waited.reject(signal.reason));
      return waited.promise;
    });
    const begun = Promise.withResolvers<void>();
    const watched = watch(api.port, token, { text: "x" }, () => begun.resolve());
    await begun.promise;
    await api.tokens.revoke(token.split("_")[1] ?? "");
    expect((await watched).events).toMatchObject([{ event: "message" }, { event: "problem", data: { status: 401 } }]);
  });

  test.each(["revoked", "over"])(
    "that is waited for without a stream is cut, too, when the token is %s, and says that it stays accepted",
    async (how) => {
      const begun = Promise.withResolvers<AbortSignal>();
      // Not even who does not listen to its signal keeps the caller.
      const { api } = await started((_place, _patience, signal) => {
        begun.resolve(signal);
        return new Promise(() => undefined);
      });
      const { token } = await api.tokens.create({
        name: "t",
        scopes: ["messages:send"],
        expiresAt: api.clock.now() + 60_000,
      });
      const asked = api.ask("POST", path, { token, body: { text: "x", wait: 300 } });
      const signal = await begun.promise;
      if (how === "over") await api.clock.pass(60_000);
      else await api.tokens.revoke(token.split("_")[1] ?? "");
      const { status, body, headers } = await asked;
      expect([status, headers["content-type"]]).toEqual([401, expect.stringContaining("application/problem+json")]);
      expect(body).toMatchObject({
        detail: expect.stringContaining("stays accepted"),
        remedy: expect.stringContaining("look into the room"),
      });
      expect(signal.aborted).toBe(true);
    },
  );
});
