import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type MatrixUser, registerUser } from "./matrix-users.ts";
import { type Synapse, startSynapse } from "./synapse.ts";

describe("a real Synapse", { timeout: 60_000 }, () => {
  let dir: string;
  let synapse: Synapse;

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), "synapse-"));
    synapse = await startSynapse({ dir });
  }, 300_000);

  afterAll(async () => {
    await synapse?.stop();
    await rm(dir, { recursive: true, force: true });
  });

  const request = (user: MatrixUser, path: string, init: RequestInit = {}) =>
    fetch(`${synapse.baseUrl}/_matrix/client/v3${path}`, {
      ...init,
      headers: { authorization: `Bearer ${user.accessToken}` },
    });

  it("tells who asked for what, also what was asked just now", async () => {
    const alice = await registerUser(synapse, "alice");
    expect(alice.userId).toBe(`@alice:${synapse.serverName}`);
    expect((await request(alice, "/joined_rooms?x=1")).status).toBe(200);
    const requests = await synapse.requests();
    expect(requests.filter((logged) => logged.path === "/_synapse/admin/v1/register")).toMatchObject([
      { method: "GET", status: 200 },
      { method: "POST", status: 200 },
    ]);
    expect(requests.at(-1)).toMatchObject({
      method: "GET",
      path: "/_matrix/client/v3/joined_rooms",
      user: alice.userId,
      status: 200,
    });
  });

  it("has Synapse's own rate limits unless they are lifted", async () => {
    const bob = await registerUser(synapse, "bob");
    const login = () =>
      fetch(`${synapse.baseUrl}/_matrix/client/v3/login`, {
        method: "POST",
        body: JSON.stringify({
          type: "m.login.password",
          identifier: { type: "m.id.user", user: "bob" },
          password: bob.password,
        }),
      });
    const statuses: number[] = [];
    for (let attempt = 0; attempt < 7; attempt++) statuses.push((await login()).status);
    expect(statuses.slice(0, 5)).toEqual([200, 200, 200, 200, 200]);
    expect(statuses.at(-1)).toBe(429);
  });

  it("keeps accounts, tokens, port and log over kill -9", async () => {
    const carol = await registerUser(synapse, "carol");
    const before = { pid: synapse.pid, requests: (await synapse.requests()).length };
    await synapse.kill("SIGKILL");
    await expect(request(carol, "/account/whoami")).rejects.toThrow();
    expect(await synapse.requests()).toHaveLength(before.requests);
    await synapse.restart();
    expect(synapse.pid).not.toBe(before.pid);
    const response = await request(carol, "/account/whoami");
    expect(await response.json()).toMatchObject({ user_id: carol.userId });
    expect((await synapse.requests()).length).toBe(before.requests + 1);
  });

  it("continues in its folder when it is started anew, with limits lifted", async () => {
    const dave = await registerUser(synapse, "dave");
    const { baseUrl } = synapse;
    await synapse.stop();
    synapse = await startSynapse({ dir, rateLimits: "lifted" });
    expect(synapse.baseUrl).toBe(baseUrl);
    const statuses = await Promise.all(
      Array.from({ length: 12 }, async () => {
        const response = await fetch(`${synapse.baseUrl}/_matrix/client/v3/login`, {
          method: "POST",
          body: JSON.stringify({
            type: "m.login.password",
            identifier: { type: "m.id.user", user: "dave" },
            password: dave.password,
          }),
        });
        return response.status;
      }),
    );
    expect(new Set(statuses)).toEqual(new Set([200]));
  });
});
