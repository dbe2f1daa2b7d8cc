import { describe, expect, test } from "vitest";
import { NoSuchToken, Tokens } from "../../src/commands/access/tokens.ts";
import { FakeVault } from "../ports/fake-vault.ts";
import { SimulatedClock } from "../runtime/simulated-clock.ts";
import { callersInMemory } from "./callers.ts";

const given = { name: "dashboard", scopes: ["agents:read"] } as const;

const partsOf = (token: string) => {
  const [prefix = "", id = "", secret = ""] = token.split("_");
  return { prefix, id, secret };
};

/** A store that is closed for a while. */
class FailingValues extends FakeVault {
  isClosed = false;

  override async delete(name: string): Promise<void> {
    if (this.isClosed) throw new Error("the store is closed");
    await super.delete(name);
  }
}

describe("a token", () => {
  test("tells who its holder is, and as which agent it acts", async () => {
    const { tokens } = await callersInMemory();
    const { token, id } = await tokens.create({ ...given, agentId: "agent-1" });
    expect(partsOf(token)).toMatchObject({ prefix: "lm", id });
    expect(tokens.principalOf(token)).toEqual({
      name: `dashboard (${id})`,
      scopes: new Set(["agents:read"]),
      tokenId: id,
      agentId: "agent-1",
    });
  });

  test("is good only as a whole, and to its last character", async () => {
    const { tokens } = await callersInMemory();
    const [one, other] = [(await tokens.create(given)).token, (await tokens.create(given)).token];
    const { prefix, id, secret } = partsOf(one);
    const last = secret.endsWith("0") ? "1" : "0";
    const wrong = [
      "",
      `${prefix}_${id}_`,
      `${prefix}_${id}_${secret.slice(0, -1)}${last}`,
      `${prefix}_${id}_${secret.toUpperCase()}x`,
      `${prefix}_${id}_${secret}0`,
      `${prefix}_${id}_${partsOf(other).secret}`,
      `${prefix}_${"0".repeat(id.length)}_${secret}`,
      `xx_${id}_${secret}`,
      ` ${one}`,
    ];
    for (const token of wrong) expect(tokens.principalOf(token), token).toBeUndefined();
    expect(tokens.principalOf(one)?.tokenId).toBe(id);
  });

  test("outlives the process, and its secret is kept nowhere", async () => {
    const callers = await callersInMemory();
    const { token, id } = await callers.tokens.create(given);
    const next = await callers.again();
    expect(next.tokens.principalOf(token)?.tokenId).toBe(id);
    const rows = JSON.stringify(callers.database.durable());
    expect(rows).toContain(id);
    expect(rows).not.toContain(partsOf(token).secret);
    expect(JSON.stringify(next.tokens.list())).not.toMatch(/hash|[0-9a-f]{64}/);
  });

  test("ends when its time is over, and makes room for others", async () => {
    const { tokens, clock } = await callersInMemory();
    const { token } = await tokens.create({ ...given, expiresAt: clock.now() + 1_000 });
    clock.advance(999);
    expect(tokens.principalOf(token)).toBeDefined();
    clock.advance(1);
    expect(tokens.principalOf(token)).toBeUndefined();
    await tokens.create({ ...given, name: "another" });
    expect(tokens.list().map(({ name }) => name)).toEqual(["another"]);
  });

  test("tells whoever wants to hear of it when its time is over, once", async () => {
    const { tokens, clock } = await callersInMemory();
    const told: string[] = [];
    const stop = tokens.onRevoked((id) => told.push(id));
    const later = await tokens.create({ ...given, expiresAt: clock.now() + 200_000 });
    const sooner = await tokens.create({ ...given, expiresAt: clock.now() + 1_000 });
    await tokens.create(given);
    clock.advance(999);
    expect(told).toEqual([]);
    clock.advance(1);
    expect(told).toEqual([sooner.id]);
    clock.advance(199_000);
    expect(told).toEqual([sooner.id, later.id]);
    await tokens.revoke(later.id);
    expect([told.length, clock.pending]).toEqual([2, 0]);
    stop();
  });

  test("ends by the time of day, also when somebody sets that, and nobody waits for it when nobody listens", async () => {
    const { tokens, clock } = await callersInMemory();
    const told: string[] = [];
    const { id } = await tokens.create({ ...given, expiresAt: clock.now() + 86_400_000 });
    expect(clock.pending).toBe(0);
    const stop = tokens.onRevoked((ended) => told.push(ended));
    clock.set(86_400_000);
    clock.advance(60_000);
    expect(told).toEqual([id]);
    await tokens.create({ ...given, expiresAt: clock.now() + 86_400_000 });
    expect(clock.pending).toBe(1);
    stop();
    expect(clock.pending).toBe(0);
  });

  test("that is for one agent is for no operator, whatever it was given", async () => {
    const { tokens } = await callersInMemory();
    const { token } = await tokens.create({ ...given, scopes: ["agents:read", "admin:control"], agentId: "agent-1" });
    expect(tokens.principalOf(token)?.scopes).toEqual(new Set(["agents:read"]));
  });

  test("that is revoked is refused from that moment on, before the disk knows, and after a restart", async () => {
    const callers = await callersInMemory();
    const { token, id } = await callers.tokens.create(given);
    const told: string[] = [];
    const stop = callers.tokens.onRevoked((revoked) => told.push(revoked));
    const revoked = callers.tokens.revoke(id);
    expect([callers.tokens.principalOf(token), told]).toEqual([undefined, [id]]);
    await revoked;
    await expect(callers.tokens.revoke(id)).rejects.toThrow(NoSuchToken);
    stop();
    await callers.tokens.revoke((await callers.tokens.create(given)).id);
    expect(told).toEqual([id]);
    expect((await callers.again()).tokens.principalOf(token)).toBeUndefined();
  });

  test("whose end could not be written is refused, listed still, and revoked for good when that is tried again", async () => {
    const clock = new SimulatedClock();
    const values = new FailingValues();
    const tokens = await Tokens.open(values, clock);
    const { token, id } = await tokens.create(given);
    const told: string[] = [];
    tokens.onRevoked((revoked) => told.push(revoked));
    values.isClosed = true;
    for (const _ of ["once", "again"]) await expect(tokens.revoke(id)).rejects.toThrow("the store is closed");
    expect([tokens.principalOf(token), tokens.list().map((one) => one.id), told]).toEqual([undefined, [id], [id]]);
    values.isClosed = false;
    expect((await tokens.revoke(id)).id).toBe(id);
    expect([tokens.principalOf(token), tokens.list(), told]).toEqual([undefined, [], [id]]);
    expect((await Tokens.open(values, clock)).principalOf(token)).toBeUndefined();
  });
});
