import { createHmac } from "node:crypto";
import type { ServerResponse } from "node:http";
import { afterEach, describe, expect, it } from "vitest";
import { ClientServerHomeserver, type Registration } from "../../src/matrix/client-server.ts";
import { MatrixError } from "../../src/matrix/port.ts";
import { answerJson, type Handler, type OddServer, startOddServer } from "./odd-server.ts";

const never = new AbortController().signal;
const account = { localpart: "agent_ü", password: "pässword", deviceId: "DEV", displayName: "Agent Ü" };
const session = { user_id: "@agent_ü:test", device_id: "DEV", access_token: "token" };

let odd: OddServer | undefined;
let homeserver: ClientServerHomeserver | undefined;
afterEach(async () => {
  homeserver?.close();
  await odd?.stop();
});

async function registering(registration: Registration, handler: Handler): Promise<ClientServerHomeserver> {
  odd = await startOddServer(handler);
  homeserver = new ClientServerHomeserver({ baseUrl: odd.baseUrl, serverName: "test", registration });
  return homeserver;
}

function bodies(): unknown[] {
  return (odd?.requests ?? []).filter(({ body }) => body !== "").map(({ body }) => JSON.parse(body));
}

async function failure(call: Promise<unknown>): Promise<MatrixError> {
  const error = await call.then(
    () => new Error("it succeeded"),
    (thrown: unknown) => thrown,
  );
  if (error instanceof MatrixError) return error;
  throw error;
}

describe("registering by shared secret", () => {
  const registration: Registration = { kind: "shared-secret", secret: "shared" };

  /** Shows the new user under this name. */
  function named(displayname: string, handler: Handler): Handler {
    return (request, response, n) => {
      if (request.url?.includes("/profile/")) answerJson(response, 200, { displayname });
      else handler(request, response, n);
    };
  }

  it("names the user again where the homeserver has put something behind the name", async () => {
    const subject = await registering(
      registration,
      named("Agent Ü 💕", (_request, response, n) => {
        answerJson(response, 200, n === 1 ? { nonce: "n1" } : session);
      }),
    );
    await subject.register(account, never);
    expect(bodies()).toMatchObject([{ nonce: "n1" }, { displayname: "Agent Ü" }]);
  });

  it("signs nonce, name and password, and asks for the device and the display name", async () => {
    const subject = await registering(
      registration,
      named("Agent Ü", (_request, response, n) => {
        answerJson(response, 200, n === 1 ? { nonce: "n1" } : session);
      }),
    );
    expect(await subject.register(account, never)).toEqual({
      userId: "@agent_ü:test",
      deviceId: "DEV",
      accessToken: "token",
    });
    const mac = createHmac("sha1", "shared").update("n1\0agent_ü\0pässword\0notadmin").digest("hex");
    expect(bodies()).toMatchObject([
      { nonce: "n1", mac, username: "agent_ü", admin: false, device_id: "DEV", displayname: "Agent Ü" },
    ]);
  });

  it("asks for another nonce when a restarted homeserver forgot the first, once", async () => {
    const forgotten = { errcode: "M_UNKNOWN", error: "unrecognised nonce" };
    const subject = await registering(
      registration,
      named("Agent Ü", (_request, response, n) => {
        if (n % 2 === 1) answerJson(response, 200, { nonce: `n${n}` });
        else if (n === 2) answerJson(response, 400, forgotten);
        else answerJson(response, 200, session);
      }),
    );
    await subject.register(account, never);
    expect(bodies()).toMatchObject([{ nonce: "n1" }, { nonce: "n3" }]);
  });

  it("gives up when the homeserver forgets every nonce, or does not have the endpoint", async () => {
    const subject = await registering(registration, (_request, response, n) => {
      if (n > 4) answerJson(response, 404, { errcode: "M_UNRECOGNIZED", error: "Unrecognized request" });
      else if (n % 2 === 1) answerJson(response, 200, { nonce: "n" });
      else answerJson(response, 400, { errcode: "M_UNKNOWN", error: "unrecognised nonce" });
    });
    expect(await failure(subject.register(account, never))).toMatchObject({ kind: "refused" });
    const unsupported = await failure(subject.register(account, never));
    expect(unsupported).toMatchObject({ kind: "unsupported" });
    expect(unsupported.remedy).toContain("/_synapse/admin/v1/register");
  });
});

describe("registering by token", () => {
  const registration: Registration = { kind: "token", token: "the-token" };
  const token = "m.login.registration_token";
  const dummy = "m.login.dummy";

  /** Asks for these stages one after the other, as user-interactive authentication does. */
  function staged(flows: readonly (readonly string[])[], stages: readonly string[]): Handler {
    const completed: string[] = [];
    return (request, response) => {
      if (!request.url?.includes("/register")) return answerJson(response, 200, {});
      const { auth } = Object(bodies().at(-1));
      if (auth?.type === stages[completed.length] && auth?.session === "uia") completed.push(auth.type);
      if (completed.length === stages.length) return answerJson(response, 200, session);
      challenge(response, flows, completed);
    };
  }

  function challenge(response: ServerResponse, flows: readonly (readonly string[])[], completed: readonly string[]) {
    answerJson(response, 401, { session: "uia", params: {}, completed, flows: flows.map((stages) => ({ stages })) });
  }

  it.each<[name: string, flows: string[][], stages: string[]]>([
    ["the token alone", [[token]], [token]],
    ["the token, then nothing in particular", [[token, dummy]], [token, dummy]],
    ["the other way round", [[dummy, token]], [dummy, token]],
    ["another flow beside it", [["m.login.recaptcha"], [token, "m.login.email.identity"], [token]], [token]],
  ])("answers the stages in their order: %s", async (_name, flows, stages) => {
    const subject = await registering(registration, staged(flows, stages));
    expect(await subject.register(account, never)).toMatchObject({ userId: "@agent_ü:test", deviceId: "DEV" });
    const [first, ...answers] = bodies().slice(0, -1);
    expect(first).toMatchObject({ username: "agent_ü", device_id: "DEV", inhibit_login: false });
    expect(first).not.toHaveProperty("auth");
    expect(answers.map((answer) => Object(answer).auth)).toEqual(
      stages.map((type) => ({ type, session: "uia", ...(type === token ? { token: "the-token" } : {}) })),
    );
    expect(odd?.requests.at(-1)).toMatchObject({ method: "PUT", body: '{"displayname":"Agent Ü"}' });
  });

  it("keeps the new session when only the display name could not be set", async () => {
    const stages = staged([[token]], [token]);
    const subject = await registering(registration, (request, response, n) => {
      if (request.method === "PUT") response.writeHead(503).end();
      else stages(request, response, n);
    });
    expect(await subject.register(account, never)).toMatchObject({ accessToken: "token" });
  });

  it("refuses a homeserver that wants something else", async () => {
    const subject = await registering(registration, staged([["m.login.recaptcha"]], ["m.login.recaptcha"]));
    const error = await failure(subject.register(account, never));
    expect(error).toMatchObject({ kind: "refused" });
    expect(error.remedy).toMatch(/registration_requires_token/);
    expect(odd?.requests).toHaveLength(1);
  });

  it("says that the token is refused, and does not offer it again", async () => {
    const subject = await registering(registration, (_request, response, n) => {
      if (n === 1) challenge(response, [[token]], []);
      else {
        const refusal = { errcode: "M_UNAUTHORIZED", error: "Invalid registration token", completed: [] };
        answerJson(response, 401, { session: "uia", params: {}, flows: [{ stages: [token] }], ...refusal });
      }
    });
    const error = await failure(subject.register(account, never));
    expect(error).toMatchObject({ kind: "forbidden" });
    expect(error.remedy).toMatch(/registration token/);
    expect(odd?.requests).toHaveLength(2);
  });

  it("does not ask for ever when no answer satisfies the homeserver", async () => {
    const subject = await registering(registration, (_request, response) => challenge(response, [[token]], []));
    expect(await failure(subject.register(account, never))).toMatchObject({ kind: "refused" });
    expect(odd?.requests.length).toBeLessThan(5);
  });
});
