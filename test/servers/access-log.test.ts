import { describe, expect, it } from "vitest";
import { parseAccessLog } from "./access-log.ts";

const processed = "Processed request: 0.012sec/0.001sec ru=(0.004sec, 0.000sec) db=(0.001sec/0.003sec/4)";

describe("Synapse's access log", () => {
  it("names user, method, path, query, status and time of each request", () => {
    const [request] = parseAccessLog(
      `1795420000.250000 127.0.0.1 - 8008 - {@alice:localhost} ${processed} 33B 200 "GET /_matrix/client/v3/sync?since=s1&timeout=0 HTTP/1.1" "node" [2 dbevts]\n`,
    );
    expect(request).toMatchObject({
      at: 1795420000250,
      tookMs: 12,
      method: "GET",
      path: "/_matrix/client/v3/sync",
      user: "@alice:localhost",
      status: 200,
      complete: true,
      userAgent: "node",
    });
    expect(request?.query.get("since")).toBe("s1");
  });

  it("names no user where none is authenticated", () => {
    const [request] = parseAccessLog(
      `1.5 127.0.0.1 - 8008 - {None} ${processed} 9B 401 "POST /_matrix/client/v3/login HTTP/1.1" "x y" [0 dbevts]\n`,
    );
    expect(request).toMatchObject({ status: 401, path: "/_matrix/client/v3/login" });
    expect(request).not.toHaveProperty("user");
  });

  it("names the user an application service acts for, and a client that hung up", () => {
    const [request] = parseAccessLog(
      `1.5 127.0.0.1 - 8008 - {@bot:localhost|@agent:localhost} ${processed} NoneB 200! "PUT /x HTTP/1.1" "-" [0 dbevts]\n`,
    );
    expect(request).toMatchObject({ user: "@agent:localhost", complete: false });
  });

  it("ignores a line that is still being written, and refuses one that it does not know", () => {
    expect(parseAccessLog("1.5 127.0.0.1 - 80")).toEqual([]);
    expect(() => parseAccessLog("something else\n")).toThrow("unknown line");
  });
});
