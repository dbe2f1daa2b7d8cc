import { createServer, type RequestListener, type Server } from "node:http";
import { afterEach, describe, expect, test } from "vitest";
import { HomeserverInspection, type InspectionOptions } from "../../src/matrix/inspection.ts";
import { MatrixError } from "../../src/matrix/port.ts";

let server: Server | undefined;
let inspection: HomeserverInspection | undefined;
afterEach(() => {
  inspection?.close();
  server?.close();
  server?.closeAllConnections();
});

const signal = new AbortController().signal;

/** Answers each path with a status and a body; all others as one that it does not know. */
type Answers = Readonly<Record<string, readonly [status: number, body: unknown]>>;

async function inspect(answers: Answers, options: Partial<InspectionOptions> = {}): Promise<HomeserverInspection> {
  const answer: RequestListener = (request, response) => {
    const path = new URL(request.url ?? "", "http://localhost").pathname;
    const key = Object.keys(answers).find((prefix) => path.startsWith(prefix));
    const [status, body] = (key === undefined ? undefined : answers[key]) ?? [404, { errcode: "M_UNRECOGNIZED" }];
    response.writeHead(status, { "content-type": "application/json" });
    response.end(typeof body === "string" ? body : JSON.stringify(body));
  };
  const listening = createServer(answer).listen(0, "127.0.0.1");
  server = listening;
  await new Promise((resolve) => listening.once("listening", resolve));
  const address = listening.address();
  if (address === null || typeof address === "string") throw new Error("it listens nowhere");
  inspection = new HomeserverInspection({
    baseUrl: `http://127.0.0.1:${address.port}`,
    serverName: "example.org",
    registration: { kind: "token", token: "s3cret" },
    ...options,
  });
  return inspection;
}

async function failureOf(call: Promise<unknown>): Promise<MatrixError> {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof MatrixError) return error;
  throw new Error("expected it to fail", { cause: error });
}

const alias = "/_matrix/client/v3/directory/room/";

describe("what answers in a homeserver's place", () => {
  test("may be no homeserver", async () => {
    const page = "<html>It works!</html>";
    expect(await failureOf((await inspect({ "/": [200, page] })).standing(signal))).toMatchObject({
      kind: "malformed",
      remedy: expect.stringContaining("is the homeserver itself"),
    });
  });

  test("may be a proxy whose homeserver is down: that is no wrong name", async () => {
    const down = await inspect({ "/": [502, "<html>Bad gateway</html>"] });
    expect(await failureOf(down.nameVerdict(signal))).toMatchObject({ kind: "unreachable" });
  });
});

describe("a homeserver's name", () => {
  test("is told by its federation key, where that is served", async () => {
    const key = { "/_matrix/key/v2/server": [200, { server_name: "matrix.example.org" }] } as const;
    expect(await (await inspect(key)).nameVerdict(signal)).toEqual({ is: "wrong", own: "matrix.example.org" });
  });

  test("is another where it looks for an alias elsewhere, and right where it knows that there is none", async () => {
    const failed = { [alias]: [502, { errcode: "M_UNKNOWN", error: "Failed to fetch alias" }] } as const;
    expect(await (await inspect(failed)).nameVerdict(signal)).toEqual({ is: "wrong" });
    inspection?.close();
    server?.close();
    const knows = { [alias]: [404, { errcode: "M_NOT_FOUND", error: "not found" }] } as const;
    expect(await (await inspect(knows)).nameVerdict(signal)).toEqual({ is: "right" });
  });
});

describe("registration", () => {
  const validity = "/_matrix/client/v1/register/m.login.registration_token/validity";

  test("by a token that is used up is refused, without repeating the token", async () => {
    const error = await failureOf((await inspect({ [validity]: [200, { valid: false }] })).tryRegistration(signal));
    expect(error).toMatchObject({ kind: "forbidden", remedy: expect.stringContaining("registration_token_file") });
    expect(`${error.message} ${error.remedy}`).not.toContain("s3cret");
  });

  test("by a shared secret on a homeserver without that way says how to get it", async () => {
    const without = await inspect({}, { registration: { kind: "shared-secret", secret: "s3cret" } });
    expect(await failureOf(without.tryRegistration(signal))).toMatchObject({
      kind: "unsupported",
      remedy: expect.stringContaining("register by token"),
    });
  });
});
