import { beforeEach, describe, expect, test } from "vitest";
import { Care } from "../../src/actors/care.ts";
import type { Sessions } from "../../src/actors/sessions.ts";
import { FakeAdmin } from "../ports/fake-admin.ts";
import { FakeHomeserver, matrixError } from "../ports/fake-homeserver.ts";
import { FakeVault } from "../ports/fake-vault.ts";
import { SimulatedClock } from "../runtime/simulated-clock.ts";
import { newSessions } from "./town.ts";

const { signal } = new AbortController();
const userId = "@agent_1:test";
const hour = 3_600_000;

let clock: SimulatedClock;
let homeserver: FakeHomeserver;
let admin: FakeAdmin;
let vault: FakeVault;
let refused: unknown[];
let sessions: Sessions;

beforeEach(() => {
  clock = new SimulatedClock();
  homeserver = new FakeHomeserver(clock);
  admin = new FakeAdmin(homeserver);
  vault = new FakeVault();
  refused = [];
  sessions = newSessions(homeserver, vault, care());
});

function care(): Care {
  const isOurs = (user: string): boolean => user.startsWith("@agent_");
  return new Care({ admin, vault, clock, isOurs, onRefused: (error) => refused.push(error) });
}

/** Somebody changes the password, and the session ends. */
async function drift(): Promise<void> {
  homeserver.passwords.set(userId, "changed");
  homeserver.refuseTokens(userId);
  await sessions.forget(userId);
}

const ensure = () => sessions.ensure("agent_1", "Scout", signal);

describe("an administrator's token", () => {
  test("#38 heals a password that was changed on the server within one login", async () => {
    await ensure();
    await drift();
    await ensure();
    await sessions.as(userId).typing("!room:test", true, 1, signal);
    expect(homeserver.passwords.get(userId)).toBe(`secret-password-of-${userId}`);
    expect(homeserver.count("resetPassword")).toBe(1);
  });

  test("#40 heals once an hour at most, over restarts too, and says what else it may be", async () => {
    await ensure();
    for (let n = 0; n < 20; n++) {
      await drift();
      sessions = newSessions(homeserver, vault, care());
      await ensure().catch((error: unknown) => expect(error).toMatchObject({ kind: "forbidden" }));
    }
    expect(homeserver.count("resetPassword")).toBe(1);
    await expect(ensure()).rejects.toMatchObject({ remedy: expect.stringContaining("second installation") });
    clock.advance(hour);
    await ensure();
    expect(homeserver.count("resetPassword")).toBe(2);
  });

  test("#39 never changes the password of anybody but an agent's user or the bot", async () => {
    homeserver.passwords.set("@anna:test", "annas");
    await expect(sessions.ensure("anna", "Anna", signal)).rejects.toMatchObject({ kind: "forbidden" });
    expect(homeserver.passwords.get("@anna:test")).toBe("annas");
    expect(homeserver.count("resetPassword")).toBe(0);
  });

  test("that cannot reset a password leaves the reason to be seen, and the next login tries again", async () => {
    await ensure();
    await drift();
    homeserver.fail("resetPassword", matrixError("unreachable"));
    await expect(ensure()).rejects.toMatchObject({ kind: "unreachable" });
    await ensure();
    expect(sessions.as(userId).userId).toBe(userId);
  });

  test("replaces a password that was taken over and then changed", async () => {
    homeserver.passwords.set(userId, "taken over");
    await sessions.keep(
      await homeserver.login({ localpart: "agent_1", password: "taken over", deviceId: "D" }, signal),
      "taken over",
    );
    await sessions.forget(userId);
    await ensure();
    expect(homeserver.count("resetPassword")).toBe(0);
    await drift();
    await ensure();
    await sessions.forget(userId);
    await ensure();
    expect(homeserver.count("resetPassword")).toBe(1);
  });

  test("exempts each of our users from the rate limits, once", async () => {
    await ensure();
    await ensure();
    expect([...admin.exempted]).toEqual([userId]);
    expect(homeserver.count("liftRateLimits")).toBe(1);
  });

  test("exempts those that were there before it was configured", async () => {
    await newSessions(homeserver, vault).ensure("agent_1", "Scout", signal);
    await ensure();
    expect([...admin.exempted]).toEqual([userId]);
    expect(homeserver.count("register")).toBe(1);
  });

  test("that is not good for it is told of, and the agent goes on without", async () => {
    homeserver.fail("liftRateLimits", matrixError("forbidden"));
    await ensure();
    expect(refused).toMatchObject([{ kind: "forbidden" }]);
    await sessions.as(userId).typing("!room:test", true, 1, signal);
    for (let n = 0; n < 10; n++) await ensure();
    expect(homeserver.count("liftRateLimits")).toBe(1);
    clock.advance(hour);
    await ensure();
    expect([...admin.exempted]).toEqual([userId]);
  });

  test("is asked again, without a second login, when the homeserver was not there", async () => {
    homeserver.fail("liftRateLimits", matrixError("unreachable"));
    await expect(ensure()).rejects.toMatchObject({ kind: "unreachable" });
    await ensure();
    expect([...admin.exempted]).toEqual([userId]);
    expect(homeserver.requests.map(({ call }) => call)).toEqual(["register", "liftRateLimits", "liftRateLimits"]);
  });
});

describe("without an administrator's token", () => {
  test("#41 a user that cannot be registered, or whose password is not ours, fails with what to do", async () => {
    const plain = newSessions(homeserver, vault);
    homeserver.fail("register", matrixError("forbidden"));
    await expect(plain.ensure("agent_1", "Scout", signal)).rejects.toMatchObject({ remedy: expect.any(String) });
    homeserver.passwords.set(userId, "theirs");
    await expect(plain.ensure("agent_1", "Scout", signal)).rejects.toMatchObject({ kind: "forbidden" });
    expect(homeserver.passwords.get(userId)).toBe("theirs");
  });
});
