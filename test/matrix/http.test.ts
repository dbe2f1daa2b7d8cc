import { getEventListeners } from "node:events";
import type { ServerResponse } from "node:http";
import { afterEach, describe, expect, it } from "vitest";
import { HttpConnections, type HttpRequest, TransportError } from "../../src/matrix/http.ts";
import { type Handler, ManualTimers, refusingUrl, startOddServer, startTcpServer } from "./odd-server.ts";

const cleanUp: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of cleanUp.splice(0).reverse()) await step();
});

function connections(maxBodyBytes = 1_000) {
  const timers = new ManualTimers();
  const http = new HttpConnections({ startTimer: timers.start, maxBodyBytes });
  cleanUp.push(() => http.close());
  return { http, timers };
}

async function server(handler: Handler) {
  const started = await startOddServer(handler);
  cleanUp.push(() => started.stop());
  return started;
}

function get(baseUrl: string, more: Partial<HttpRequest> = {}): HttpRequest {
  return { url: new URL("/x", baseUrl), method: "GET", headers: {}, lane: "command", timeLimitMs: 1_000, ...more };
}

async function failureOf(answer: Promise<unknown>): Promise<TransportError> {
  const error = await answer.then(
    () => new Error("it succeeded"),
    (thrown: unknown) => thrown,
  );
  if (error instanceof TransportError) return error;
  throw error;
}

/** Each way in which an answer can fail to come to its end. */
const stalls: Readonly<Record<string, (response: ServerResponse) => void>> = {
  "before the headers": () => {},
  "in the headers": (response) => void response.socket?.write("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"),
  "before the body": (response) => response.writeHead(200, { "content-length": 10 }).flushHeaders(),
  "in the body": (response) => void response.writeHead(200, { "content-length": 10 }).write("12345"),
  "in a chunked body": (response) => void response.writeHead(200).write("12345"),
};

describe("HTTP connections", () => {
  it("give a whole answer, and keep the connection but no timer", async () => {
    const odd = await server((request, response) => {
      response.writeHead(201, { "x-echo": request.headers["x-mine"] }).write("grü");
      response.end("ß");
    });
    const { http, timers } = connections();
    for (let n = 1; n <= 3; n++) {
      const sent = { method: "PUT", body: `body ${n} ü`, headers: { "x-mine": "yes" } };
      const answer = await http.send(get(odd.baseUrl, sent));
      expect(answer).toMatchObject({ status: 201, headers: { "x-echo": "yes" } });
      expect(answer.body.toString()).toBe("grüß");
      expect(odd.requests.at(-1)).toEqual({ method: "PUT", url: "/x", body: `body ${n} ü` });
    }
    expect(odd.connections()).toBe(1);
    expect(timers.running).toEqual([]);
    http.close();
    await odd.deserted();
  });

  it("join characters that arrive in two pieces", async () => {
    const bytes = Buffer.from("ü🎭");
    const odd = await server((_request, response) => {
      response.writeHead(200, { "content-length": bytes.length }).write(bytes.subarray(0, 3));
      setImmediate(() => response.end(bytes.subarray(3)));
    });
    expect((await connections().http.send(get(odd.baseUrl))).body.toString()).toBe("ü🎭");
  });

  describe.each(Object.entries(stalls))("when the answer stalls %s", (_where, stall) => {
    it("end at the time limit, and hang up", async () => {
      const odd = await server((_request, response) => stall(response));
      const { http, timers } = connections();
      const answer = failureOf(http.send(get(odd.baseUrl)));
      await odd.received(1);
      expect(timers.running).toEqual([1_000]);
      timers.expire();
      expect(await answer).toMatchObject({ failure: "time-limit" });
      await odd.deserted();
      expect(timers.running).toEqual([]);
    });

    it("end with the signal's reason, and hang up", async () => {
      const odd = await server((_request, response) => stall(response));
      const { http, timers } = connections();
      const stop = new AbortController();
      const reason = new Error("stopped");
      const answer = http.send(get(odd.baseUrl), stop.signal);
      await odd.received(1);
      stop.abort(reason);
      await expect(answer).rejects.toBe(reason);
      await odd.deserted();
      expect(timers.running).toEqual([]);
      expect(getEventListeners(stop.signal, "abort")).toEqual([]);
    });
  });

  it("send nothing when aborted before, and hang up when aborted while connecting", async () => {
    const odd = await server((_request, response) => response.end());
    const { http, timers } = connections();
    await expect(http.send(get(odd.baseUrl), AbortSignal.abort())).rejects.toMatchObject({ name: "AbortError" });
    const stop = new AbortController();
    const answer = http.send(get(odd.baseUrl), stop.signal);
    stop.abort();
    await expect(answer).rejects.toMatchObject({ name: "AbortError" });
    expect(timers.running).toEqual([]);
    await odd.deserted();
    expect(odd.requests).toEqual([]);
  });

  it("let a signal be aborted after the answer, and leave no listener on it", async () => {
    const odd = await server((_request, response) => response.end("done"));
    const stop = new AbortController();
    const { http } = connections();
    expect((await http.send(get(odd.baseUrl), stop.signal)).body.toString()).toBe("done");
    expect(getEventListeners(stop.signal, "abort")).toEqual([]);
    stop.abort();
    expect((await http.send(get(odd.baseUrl))).body.toString()).toBe("done");
  });

  it.each([
    ["before the headers", (response: ServerResponse) => response.socket?.destroy()],
    [
      "in the body",
      (response: ServerResponse) => {
        response.writeHead(200, { "content-length": 10 }).write("12345", () => response.socket?.destroy());
      },
    ],
    [
      "in a chunked body",
      (response: ServerResponse) => {
        response.writeHead(200).write("12345", () => response.socket?.destroy());
      },
    ],
  ])("do not take an answer for whole that was cut %s", async (_where, cut) => {
    const odd = await server((_request, response) => cut(response));
    const { http, timers } = connections();
    expect(await failureOf(http.send(get(odd.baseUrl)))).toMatchObject({ failure: "connection" });
    expect(timers.running).toEqual([]);
  });

  it("keep the reason of a refused connection", async () => {
    const { http, timers } = connections();
    const error = await failureOf(http.send(get(await refusingUrl())));
    expect(error).toMatchObject({ failure: "connection", cause: { code: "ECONNREFUSED" } });
    expect(timers.running).toEqual([]);
  });

  it.each([true, false])("give up on a body that is too large (length announced: %s)", async (announced) => {
    const body = "x".repeat(1_001);
    const odd = await server((_request, response) => {
      response.writeHead(200, announced ? { "content-length": body.length } : {}).end(body);
    });
    const { http } = connections(1_000);
    expect(await failureOf(http.send(get(odd.baseUrl)))).toMatchObject({ failure: "body-too-large" });
    await odd.deserted();
    expect((await connections(1_001).http.send(get(odd.baseUrl))).body).toHaveLength(1_001);
  });

  it("say that an answer is no HTTP", async () => {
    const odd = await startTcpServer("SSH-2.0-OpenSSH_9.9\r\n");
    cleanUp.push(() => odd.stop());
    expect(await failureOf(connections().http.send(get(odd.baseUrl)))).toMatchObject({ failure: "unreadable" });
    await odd.deserted();
  });

  it("fail at once on a header that cannot be sent, without naming its value", async () => {
    const { http, timers } = connections();
    const headers = { Authorization: "Bearer s3cret\nX: y" };
    const error = await failureOf(http.send(get("http://127.0.0.1:9", { headers })));
    expect(String(error)).not.toContain("s3cret");
    expect(timers.running).toEqual([]);
  });

  describe("on a kept connection that the server has just closed", () => {
    // The first request of a connection is answered, the second one finds it closed.
    const closing: Handler = (_request, response, n) => {
      if (n === 2) response.socket?.resetAndDestroy();
      else response.end(`answer ${n}`);
    };

    it.each(["GET", "PUT"])("repeat a %s, once, on a new one", async (method) => {
      const odd = await server(closing);
      const { http, timers } = connections();
      await http.send(get(odd.baseUrl));
      const answer = await http.send(get(odd.baseUrl, method === "PUT" ? { method, body: "b" } : { method }));
      expect(answer.body.toString()).toBe("answer 3");
      expect(odd.requests.map((request) => request.method)).toEqual(["GET", method, method]);
      expect(timers.running).toEqual([]);
    });

    it("do not repeat a POST, which may have been done", async () => {
      const odd = await server(closing);
      const { http } = connections();
      await http.send(get(odd.baseUrl));
      const error = await failureOf(http.send(get(odd.baseUrl, { method: "POST", body: "b" })));
      expect(error).toMatchObject({ failure: "connection", cause: { code: "ECONNRESET" } });
      expect(odd.requests).toHaveLength(2);
    });
  });

  it("do not repeat what a new connection did not answer", async () => {
    const odd = await server((_request, response) => response.socket?.resetAndDestroy());
    await failureOf(connections().http.send(get(odd.baseUrl)));
    expect(odd.requests).toHaveLength(1);
  });

  it("let a command pass any number of polls, and a poll any number of commands", async () => {
    const odd = await server((request, response) => {
      if (request.url === "/x?now") response.end("now");
    });
    const { http } = connections();
    const hang = (lane: "command" | "poll", count: number) =>
      Array.from({ length: count }, () => failureOf(http.send(get(odd.baseUrl, { lane }))));
    const hanging = [...hang("poll", 300), ...hang("command", 128)];
    await odd.received(428);
    const url = new URL("/x?now", odd.baseUrl);
    expect((await http.send(get(odd.baseUrl, { url, lane: "poll" }))).body.toString()).toBe("now");
    http.close();
    for (const failed of await Promise.all(hanging)) expect(failed).toMatchObject({ failure: "closed" });
  });

  it("end what is under way when they are closed, and take nothing more", async () => {
    const odd = await server((_request, response) => void response.writeHead(200).write("half"));
    const { http, timers } = connections();
    const answer = failureOf(http.send(get(odd.baseUrl)));
    await odd.received(1);
    http.close();
    expect(await answer).toMatchObject({ failure: "closed" });
    expect(await failureOf(http.send(get(odd.baseUrl)))).toMatchObject({ failure: "closed" });
    await odd.deserted();
    expect(timers.running).toEqual([]);
  });
});
