import { describe, expect, test, vi } from "vitest";
import type { Adopted } from "../../src/actors/adoption/adoption.ts";
import type { Scope } from "../../src/commands/access/principal.ts";
import { adoptCommand } from "../../src/commands/adopt/adopt.ts";
import { bind, InvalidInput, NotAllowed } from "../../src/commands/command.ts";
import { addressOf } from "../../src/machines/addresses.ts";
import type { ActorRecord } from "../../src/runtime/record.ts";
import { untroubled, unused } from "./untroubled.ts";

const agent = addressOf.agent("test", "agent-1");
const input = { agentId: "agent-1", userId: "@agent_1:test", password: "s3cret", roomId: "!room:test", dryRun: false };
const done: Adopted = { outcome: "done", roomId: "!room:test", steps: ["mark it"] };
const refused: Adopted = { outcome: "refused", reason: "it is encrypted", remedy: "leave it out" };

function bound(outcome: Adopted, isThere = true) {
  const adopt = vi.fn(async () => outcome);
  const accept = vi.fn(async () => undefined);
  const command = bind(adoptCommand, {
    server: "test",
    clock: { now: () => 0 },
    ...unused,
    adoption: { adopt },
    host: {
      ...untroubled,
      async *list() {},
      // Of the record only its being there counts.
      read: (id) => (isThere && id === agent ? ({ id } as ActorRecord) : undefined),
      accept,
      ask: () => Promise.reject(new Error("nothing is asked")),
      journal: async () => [],
    },
  });
  const execute = (given: unknown, scope: Scope = "admin:control") =>
    command.execute(given, {
      principal: { name: "test", scopes: new Set([scope]) },
      requestId: "request-1",
      signal: new AbortController().signal,
    });
  return { adopt, accept, execute };
}

describe("the command adopt", () => {
  test("lets an agent that was kept out try again at once", async () => {
    const { adopt, accept, execute } = bound(done);
    expect(await execute(input)).toEqual(done);
    const { dryRun, ...inherited } = input;
    expect(adopt).toHaveBeenCalledExactlyOnceWith(inherited, dryRun, expect.any(AbortSignal));
    expect(accept).toHaveBeenCalledExactlyOnceWith(agent, { type: "ADOPTED" });
  });

  test("tells nobody of a trial, of a refusal, or of an agent that nobody knows yet", async () => {
    const trial = bound(done);
    await trial.execute({ ...input, dryRun: true });
    const refusal = bound(refused);
    expect(await refusal.execute(input)).toEqual(refused);
    const unknown = bound(done, false);
    await unknown.execute(input);
    for (const { accept } of [trial, refusal, unknown]) expect(accept).not.toHaveBeenCalled();
  });

  test("needs a scope of its own, and takes nothing but what it knows", async () => {
    const { adopt, execute } = bound(done);
    await expect(execute(input, "agents:read")).rejects.toThrow(NotAllowed);
    const error = await execute({ ...input, passwort: "s3cret" }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(InvalidInput);
    expect(String(error)).not.toContain("s3cret");
    expect(adopt).not.toHaveBeenCalled();
  });
});
