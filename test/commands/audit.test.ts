import { describe, expect, test } from "vitest";
import { z } from "zod";
import { AuditLog } from "../../src/commands/access/audit-log.ts";
import { scopes } from "../../src/commands/access/principal.ts";
import { auditList } from "../../src/commands/audit/audit.ts";
import { bind, type Call, type Command, InvalidInput, NotAllowed } from "../../src/commands/command.ts";
import { bindCommands } from "../../src/commands/index.ts";
import { StoredLedger } from "../../src/runtime/embedded/ledger.ts";
import { Store } from "../../src/runtime/embedded/store.ts";
import { event, installation, room, server } from "../api/installation.ts";
import { MemoryDatabase } from "../runtime/memory-database.ts";
import { SimulatedClock } from "../runtime/simulated-clock.ts";
import { callersInMemory } from "./callers.ts";

const secret = "canary-secret";

const input = z.strictObject({ room: z.string(), text: z.string(), password: z.string().exactOptional() });
const output = z.object({});

function saying(
  changes: boolean,
  run: () => Promise<z.output<typeof output>> = async () => ({}),
): Command<typeof input, typeof output> {
  return { name: "say", summary: "Says.", guidance: "To say.", scope: "messages:send", changes, input, output, run };
}

const call: Call = {
  principal: { name: "dashboard (3f9a)", tokenId: "3f9a", scopes: new Set(["messages:send", "admin:read"]) },
  requestId: "request-1",
  signal: new AbortController().signal,
};

const said = { room: "!r:example.org", text: secret, password: secret };

async function audited() {
  const callers = await callersInMemory();
  const context = { ...installation(), ...callers, server };
  const list = bind(auditList, context);
  return {
    ...callers,
    bound: (...command: Parameters<typeof saying>) => bind(saying(...command), context),
    list: async (page = {}) => auditList.output.parse(await list.execute(page, call)),
  };
}

describe("the audit log", () => {
  test("has who changed what, when, under which request, and how it ended; never what was said", async () => {
    const { bound, list, clock, database } = await audited();
    await bound(true).execute(said, call);
    expect((await list()).entries).toEqual([
      {
        at: clock.now(),
        requestId: "request-1",
        who: "dashboard (3f9a)",
        tokenId: "3f9a",
        command: "say",
        target: "!r:example.org",
        outcome: "done",
      },
    ]);
    expect(JSON.stringify(database.durable())).not.toContain(secret);
  });

  test.each([
    ["messages.send", { room, text: "x", agent: "Scout" }, { target: room, as: "Scout" }],
    ["messages.send", { room, text: "x" }, { target: room }],
    ["messages.redact", { room, event }, { target: room, event }],
    ["messages.react", { room, event, sign: "x", agent: "Scout" }, { target: room, event, as: "Scout" }],
    ["media.send", { room, name: "a.txt", type: "text/plain", base64: "aGk=" }, { target: room }],
    ["agents.message", { to: "Muse", text: "x", agent: "Scout" }, { target: "Muse", as: "Scout" }],
    ["rooms.create", { name: "Talk", agent: "Scout" }, { target: "Talk", as: "Scout" }],
    ["rooms.invite", { room, user: "@anna:example.org" }, { target: room, user: "@anna:example.org" }],
    ["rooms.leave", { room, agent: "Muse" }, { target: room, as: "Muse" }],
    ["agents.pause", { agent: "Scout", reason: "too dear" }, { target: "Scout" }],
    ["agents.release", { agent: "agent-1" }, { target: "agent-1" }],
    ["release", { actor: "agent-1" }, { target: "agent-1" }],
    ["dead-letters.drop", { id: "1764130000000-17", reason: "spam" }, { target: "1764130000000-17" }],
    ["tokens.create", { name: "tools", scopes: ["agents:read"], agent: "Scout" }, { target: "tools" }],
  ])("has what %s %j was about before who acted", async (name, given, about) => {
    const callers = await callersInMemory();
    const command = bindCommands({ ...installation(), ...callers, server }).find((one) => one.name === name);
    const principal = { name: "operator", scopes: new Set(scopes) };
    await command?.execute(given, { ...call, principal });
    const [{ at: _, requestId: __, who, ...entry } = { who: "nobody" }] = (await callers.audit.page(1)).entries;
    expect([who, entry]).toEqual(["operator", { command: name, outcome: "done", ...about }]);
  });

  test("has what earlier versions have written, too", async () => {
    const clock = new SimulatedClock();
    const store = new Store(new MemoryDatabase(clock), () => undefined);
    const ledger = new StoredLedger(() => store, "audit", 3);
    const entry = { at: 1, requestId: "r", who: "program", command: "messages.send", target: "Scout", outcome: "done" };
    await ledger.append(entry);
    const audit = new AuditLog({ tried: ledger, refused: ledger }, clock, () => undefined);
    expect((await audit.page(10)).entries).toEqual([entry]);
  });

  test("has what was refused and what failed, too", async () => {
    const { bound, list, database } = await audited();
    const failing = bound(true, () => Promise.reject(new RangeError(secret)));
    await expect(failing.execute(said, call)).rejects.toThrow(RangeError);
    const powerless = { ...call, principal: { name: "nobody", scopes: new Set<never>() } };
    await expect(bound(true).execute(said, powerless)).rejects.toThrow(NotAllowed);
    await expect(bound(true).execute({ ...said, colour: secret }, call)).rejects.toThrow(InvalidInput);
    expect((await list()).entries).toMatchObject([{ who: "dashboard (3f9a)", outcome: "failed", error: "RangeError" }]);
    expect((await list({ refused: true })).entries).toMatchObject([
      { who: "dashboard (3f9a)", outcome: "refused", error: "InvalidInput" },
      { who: "nobody", outcome: "refused", error: "NotAllowed" },
    ]);
    expect(JSON.stringify(database.durable())).not.toContain(secret);
  });

  test("is pushed out by nobody who may change nothing, however often that is tried", async () => {
    const clock = new SimulatedClock();
    const store = new Store(new MemoryDatabase(clock), () => undefined);
    const ledgerOf = (name: string) => new StoredLedger(() => store, name, 3);
    const audit = new AuditLog({ tried: ledgerOf("tried"), refused: ledgerOf("refused") }, clock, () => undefined);
    const bound = bind(saying(true), { ...installation(), ...(await callersInMemory()), audit, server });
    await bound.execute(said, call);
    const powerless = { ...call, principal: { name: "nobody", scopes: new Set<never>() } };
    for (let n = 0; n < 10; n += 1)
      await expect(bound.execute(said, { ...powerless, requestId: `refused-${n}` })).rejects.toThrow(NotAllowed);
    expect((await audit.page(10)).entries).toMatchObject([{ requestId: "request-1", outcome: "done" }]);
    const refused = (await audit.page(10, undefined, "refused")).entries.map(({ requestId }) => requestId);
    expect(refused).toEqual(["refused-9", "refused-8", "refused-7"]);
  });

  test("has nothing of whoever only looks", async () => {
    const { bound, list } = await audited();
    await bound(false).execute(said, call);
    expect((await list()).entries).toEqual([]);
  });

  test("is paged from the newest to the oldest, also while more is written", async () => {
    const { bound, list } = await audited();
    for (let n = 0; n < 5; n++) await bound(true).execute(said, { ...call, requestId: `request-${n}` });
    const first = await list({ limit: 2 });
    await bound(true).execute(said, { ...call, requestId: "later" });
    const second = await list({ limit: 2, cursor: first.next });
    const third = await list({ limit: 2, cursor: second.next });
    expect([first, second, third].map(({ entries }) => entries.map(({ requestId }) => requestId))).toEqual([
      ["request-4", "request-3"],
      ["request-2", "request-1"],
      ["request-0"],
    ]);
    expect(third.next).toBeUndefined();
  });

  test("has a last page also when what came before is no longer kept", async () => {
    const store = new Store(new MemoryDatabase(new SimulatedClock()), () => undefined);
    const ledgerOf = (name: string) => new StoredLedger(() => store, name, 5);
    const ledgers = { tried: ledgerOf("tried"), refused: ledgerOf("refused") };
    const audit = new AuditLog(ledgers, new SimulatedClock(), () => undefined);
    for (let n = 0; n < 8; n++)
      await audit.record({ ...call, requestId: `request-${n}` }, { command: "c", outcome: "done" });
    const first = await audit.page(3);
    const second = await audit.page(3, first.next);
    expect([first.entries.length, second.entries.length]).toEqual([3, 2]);
    expect([first.next, second.next]).toEqual([expect.any(String), undefined]);
  });

  test("outlives the process", async () => {
    const { bound, again, audit } = await audited();
    await bound(true).execute(said, call);
    expect(await (await again()).audit.page(10)).toEqual(await audit.page(10));
  });

  test("that cannot be written makes no failure of what was done: the log has what belongs there", async () => {
    const { bound, database, logged } = await audited();
    await bound(true).execute(said, call);
    database.fail(new Error("the disk is full"));
    expect(await bound(true).execute(said, { ...call, requestId: "request-2" })).toEqual({});
    const failing = bound(true, () => Promise.reject(new RangeError("why it failed")));
    await expect(failing.execute(said, { ...call, requestId: "request-3" })).rejects.toThrow("why it failed");
    expect(logged).toMatchObject([
      { missed: { requestId: "request-2", command: "say", target: "!r:example.org", outcome: "done" } },
      { missed: { requestId: "request-3", outcome: "failed", error: "RangeError" } },
    ]);
    expect(JSON.stringify(logged)).not.toContain(secret);
  });
});
