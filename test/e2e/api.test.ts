import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { agentDetail, agentList } from "../../src/commands/status/schema.ts";
import { passwordOf } from "../../src/matrix/password.ts";
import { freePort } from "../servers/free-port.ts";
import { startStandInStack } from "../servers/stand-in-stack.ts";
import { type Resident, startWorld, type World } from "./world.ts";

const json = z.record(z.string(), z.unknown());

/** The program in a process of its own, asked by HTTP. On stand-ins: what is asked is the program. */
describe("programs that ask by HTTP", { timeout: 120_000 }, () => {
  let started: World | undefined;
  let scout: Resident;
  let port: number;
  let failed = false;
  /** All that was ever answered. */
  const answers: string[] = [];

  const world = (): World => {
    if (started === undefined) throw new Error("the servers did not start");
    return started;
  };

  beforeAll(async () => {
    port = await freePort();
    started = await startWorld({
      config: { api: { listen: `127.0.0.1:${port}` } },
      startServers: startStandInStack,
    });
    await started.start();
    scout = await started.agent("Scout");
  }, 120_000);
  afterEach(({ task }) => {
    failed ||= task.result?.state === "fail";
  });
  afterAll(() => started?.close({ keep: failed }), 60_000);

  async function ask(path: string, token?: string, init: RequestInit = {}) {
    const headers = {
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...(init.body !== undefined && { "content-type": "application/json" }),
    };
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { ...init, headers });
    const text = await response.text();
    answers.push(text);
    return { status: response.status, body: json.parse(JSON.parse(text)) };
  }

  async function tokenWith(...scopes: readonly string[]): Promise<string> {
    const { code, out, err } = await world().app.command("token", "create", "test", "--scope", ...scopes);
    expect([code, err]).toEqual([0, ""]);
    return out.trimEnd().split("\n").at(-1) ?? "";
  }

  it("are told how the agents are, with a token from the command line", async () => {
    const token = await tokenWith("agents:read");
    const { status, body } = await ask("/api/v1/agents", token);
    expect(status).toBe(200);
    expect(agentList.parse(body).agents).toMatchObject([{ name: "Scout", userId: scout.userId, roomId: scout.roomId }]);
    expect(agentDetail.parse((await ask("/api/v1/agents/Scout", token)).body).agent.agentId).toBe(scout.agentId);
    expect((await ask("/api/v1/status", token)).status).toBe(403);
    expect((await ask("/api/v1/agents")).status).toBe(401);
  });

  it("are told that all is well, and by whom nobody is asked for a token", async () => {
    for (const path of ["/health", "/health/live", "/health/ready"]) expect((await ask(path)).status, path).toBe(200);
    expect((await ask("/health")).body).toMatchObject({ verdict: "healthy", authenticated: true, reasons: [] });
  });

  it("are shut out the moment that their token is revoked, and stay out after a restart", async () => {
    const [token, kept] = [await tokenWith("agents:read"), await tokenWith("agents:read")];
    expect((await world().app.command("token", "revoke", token.split("_")[1] ?? "")).code).toBe(0);
    expect((await ask("/api/v1/agents", token)).status).toBe(401);
    await world().app.restart();
    expect((await ask("/api/v1/agents", token)).status).toBe(401);
    expect((await ask("/api/v1/agents", kept)).status).toBe(200);
  });

  it("leave a trace of each change, whoever made it", async () => {
    const token = await tokenWith("admin:control", "admin:read");
    expect((await ask("/api/v1/discovery/run", token, { method: "POST" })).status).toBe(200);
    const drop = { method: "POST", body: JSON.stringify({ reason: "spam" }) };
    expect((await ask("/api/v1/dead-letters/none/drop", token, drop)).status).toBe(404);
    const { body } = await ask("/api/v1/audit?limit=3", token);
    expect(body["entries"]).toMatchObject([
      { command: "dead-letters.drop", target: "none", outcome: "failed", error: "NoSuchLetter" },
      { command: "discovery.run", outcome: "done", tokenId: token.split("_")[1] },
      { command: "tokens.create", target: "test", outcome: "done", who: "control socket" },
    ]);
  });

  it("never see a secret: not in answers, nor in the log, nor in what the audit keeps", async () => {
    const { app, stack, dir } = world();
    const token = await tokenWith("admin:control", "admin:read", "agents:read", "rooms:read");
    for (const path of ["status", "agents", "agents/Scout", "rooms", "tokens", "audit", "store", "dead-letters"])
      expect((await ask(`/api/v1/${path}`, token)).status, path).toBe(200);
    await ask(`/api/v1/nothing?access_token=${token}`, token);
    await ask("/api/v1/tokens", token, { method: "POST", body: `{"name": "${token}` });
    const folder = join(dir, "app", "data");
    const instanceSecret = (await readFile(join(folder, "instance-secret"), "utf8")).trim();
    const secrets = [
      token.split("_")[2] ?? "",
      stack.synapse.registrationSharedSecret,
      instanceSecret,
      passwordOf(instanceSecret, scout.userId),
    ];
    const shown = [...answers, JSON.stringify(app.log)].join("\n");
    for (const secret of secrets) {
      expect(secret.length).toBeGreaterThan(8);
      expect(shown.includes(secret)).toBe(false);
    }
    const files = await readdir(join(folder, "store"));
    for (const file of files) {
      const bytes = await readFile(join(folder, "store", file));
      expect(bytes.includes(token.split("_")[2] ?? ""), file).toBe(false);
    }
  });

  it("are not served at an address that others reach, before anybody has a token", async () => {
    const { app } = world();
    const here = app.config;
    const own = await tokenWith("admin:control", "admin:read");
    const { tokens } = z
      .object({ tokens: z.array(z.object({ id: z.string() })) })
      .parse((await ask("/api/v1/tokens", own)).body);
    // The last one is the newest, which revokes itself, too.
    for (const { id } of tokens)
      expect((await ask(`/api/v1/tokens/${id}`, own, { method: "DELETE" })).status).toBe(200);
    expect((await ask("/api/v1/tokens", own)).status).toBe(401);
    await app.stop();
    await app.configure({ ...here, api: { listen: `0.0.0.0:${port}` } });
    await expect(app.start()).rejects.toThrow(/nobody has a token that is good/);
    await app.configure(here);
    await app.start();
    expect((await ask("/api/v1/agents", await tokenWith("agents:read"))).status).toBe(200);
  });
});
