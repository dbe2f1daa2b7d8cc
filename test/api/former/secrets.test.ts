import { expect, test } from "vitest";
import { MatrixError } from "../../../src/matrix/port.ts";
import { bearer, former, keyed, secrets, signature } from "./harness.ts";

/** #46 passwords in answers, tokens in addresses, routes without authentication, raw exceptions. */

const matrixToken = "canary-matrix-token";
const canaries = [...Object.values(secrets), matrixToken];

const bodies: readonly (readonly [string, object | string])[] = [
  ["/messages/send", { room_id: "!one:test", message: "x", access_token: matrixToken }],
  [
    "/messages/send",
    { room_id: matrixToken, message: secrets.token, access_token: matrixToken, homeserver: secrets.password },
  ],
  ["/messages/send", { access_token: { nested: matrixToken } }],
  ["/messages/send", `{"access_token": "${matrixToken}`],
  ["/send_message", { room_id: "!one:test", message: "x", access_token: secrets.token }],
  ["/messages/get", { room_id: "!one:test", access_token: matrixToken, limit: "many" }],
  ["/create_room", { name: "", access_token: matrixToken, invite: [matrixToken] }],
  ["/login", { user_id: "@anna:test", password: secrets.password }],
  ["/login", { user_id: "@anna:test", password: [secrets.password] }],
  ["/login", { user_id: secrets.password, password: secrets.password, homeserver: secrets.password }],
  ["/login", `{"password": "${secrets.password}", oops`],
  ["/webhook/new-agent", { agent_id: 7, access_token: matrixToken }],
  ["/conversations/register", { agent_id: [secrets.internalKey] }],
  ["/webhooks/letta/agent-response", { agent_id: secrets.webhookSecret }],
];
const addresses = [
  "/rooms/list",
  "/messages/recent",
  "/agents/mappings",
  "/agents/x/room",
  "/health/agent-provisioning",
];

test("#46 no secret is in any answer, in the log, or in what is audited", { timeout: 30_000 }, async () => {
  const seen: string[] = [];
  for (const access of [{}, { webhookSecret: secrets.webhookSecret }]) {
    const { call, clock, homeserver, failing, lines, asked, audited } = former({ access });
    const headers = [
      {},
      bearer,
      keyed,
      { authorization: `Bearer ${secrets.password}` },
      { "x-internal-key": secrets.token },
      { "x-access-token": matrixToken },
      { "x-letta-signature": signature("{}", clock.now()) },
      { "x-letta-signature": secrets.webhookSecret },
    ];
    const failures: (() => void)[] = [
      () => undefined,
      () => homeserver.fail("ownerOf", new Error(`unexpected ${matrixToken}`), 1),
      () =>
        homeserver.fail(
          "logIn",
          new MatrixError("malformed", `it quotes ${secrets.password}`, { remedy: "do something" }),
        ),
      () =>
        homeserver.fail(
          "logIn",
          new MatrixError("refused", `it quotes ${secrets.password}`, { remedy: "do something" }),
        ),
      () => failing.set("messages.send", new MatrixError("refused", "no such room", { remedy: "look" })),
    ];
    for (const fail of failures)
      for (const header of fail === failures[0] ? headers : headers.slice(0, 2)) {
        for (const [url, body] of bodies) {
          fail();
          const answer = await call("POST", url, { headers: header, body });
          seen.push(answer.text, JSON.stringify(answer.headers));
        }
        for (const url of addresses) {
          fail();
          const answer = await call("GET", url, { headers: header });
          seen.push(answer.text, JSON.stringify(answer.headers));
        }
      }
    // The audit log is made of who asked for what.
    seen.push(
      ...asked.map(({ input, principal }) =>
        JSON.stringify({ input, principal: { ...principal, scopes: [...principal.scopes] } }),
      ),
      ...audited.map((entry) => JSON.stringify(entry)),
    );
    expect(lines.length).toBeGreaterThan(5);
    seen.push(...lines);
  }
  expect(seen.length).toBeGreaterThan(1_000);
  const leaks = seen.filter((text) => canaries.some((canary) => text.includes(canary)));
  // What the caller itself has written into a text is sent, as it wanted.
  expect(leaks.filter((text) => !text.includes('"text":"canary_letta_matrix_token"'))).toEqual([]);
});

test("#46 no answer is a raw exception", async () => {
  const { call, homeserver, failing } = former();
  homeserver.fail("ownerOf", new TypeError("undefined is not a function\n    at /srv/app.ts:1"), 1);
  failing.set("agents", new TypeError("undefined is not a function\n    at /srv/app.ts:1"));
  for (const answer of [
    await call("GET", "/rooms/list", { headers: { "x-access-token": "x" } }),
    await call("GET", "/agents/mappings", { headers: bearer }),
  ]) {
    expect(answer).toMatchObject({ status: 500, body: { success: false } });
    expect(answer.text).not.toMatch(/function|\.ts|stack/);
  }
});

test("#46 a token in an address opens nothing", async () => {
  const { call } = former();
  for (const query of [
    `access_token=${secrets.token}`,
    `token=${secrets.token}`,
    `internal_key=${secrets.internalKey}`,
  ])
    expect((await call("GET", `/rooms/list?${query}`, {})).status).toBe(401);
});
