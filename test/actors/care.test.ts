import { beforeEach, describe, expect, test } from "vitest";
import { Care } from "../../src/actors/care.ts";
import { exemptResidents } from "../../src/actors/exemptions.ts";
import type { Sessions } from "../../src/actors/sessions.ts";
import { addressOf } from "../../src/machines/addresses.ts";
import { FakeAdmin } from "../ports/fake-admin.ts";
import { FakeHomeserver, matrixError } from "../ports/fake-homeserver.ts";
import { FakeVault } from "../ports/fake-vault.ts";
import { SimulatedClock } from "../runtime/simulated-clock.ts";
import { newSessions } from "./town.ts";

const { signal } = new AbortController();
const userId = "@agent_1:test";
const hour = 3_600_000;
const minutes = (n: number): number => n * 60_000;

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

  test("#40 heals once an hour, whatever somebody sets the clock to", async () => {
    await ensure();
    const healed = async (): Promise<boolean> => {
      await drift();
      return ensure().then(
        () => true,
        () => false,
      );
    };
    expect(await healed()).toBe(true);
    clock.set(2 * hour);
    expect(await healed()).toBe(false);
    clock.set(-1_000 * hour);
    clock.advance(hour);
    expect(await healed()).toBe(true);
    clock.set(-1_000 * hour);
    sessions = newSessions(homeserver, vault, care());
    expect(await healed()).toBe(false);
    clock.advance(hour);
    expect(await healed()).toBe(true);
    expect(homeserver.count("resetPassword")).toBe(3);
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

  test("is asked again five minutes after a failure that passes, and the agent is online meanwhile", async () => {
    homeserver.fail("liftRateLimits", matrixError("unreachable"));
    for (let n = 0; n < 10; n++) await ensure();
    await sessions.as(userId).typing("!room:test", true, 1, signal);
    expect(homeserver.count("liftRateLimits")).toBe(1);
    clock.advance(minutes(5));
    await ensure();
    expect([...admin.exempted]).toEqual([userId]);
    expect(homeserver.count("register")).toBe(1);
    expect(homeserver.count("login")).toBe(0);
  });

  test.each(["forbidden", "refused", "unsupported", "missing", "malformed"] as const)(
    "is asked again an hour after it was answered with what is lasting: %s",
    async (kind) => {
      homeserver.fail("liftRateLimits", matrixError(kind));
      await ensure();
      clock.advance(minutes(59));
      await ensure();
      expect(homeserver.count("liftRateLimits")).toBe(1);
      clock.advance(minutes(1));
      await ensure();
      expect([...admin.exempted]).toEqual([userId]);
    },
  );

  test("that fails in whatever way keeps no agent offline", async () => {
    homeserver.fail("liftRateLimits", new TypeError("nobody has thought of this"));
    await ensure();
    await sessions.as(userId).typing("!room:test", true, 1, signal);
    expect(refused).toEqual([new TypeError("nobody has thought of this")]);
  });

  test("whose answers are garbage is told of once, not once for each agent", async () => {
    homeserver.fail("liftRateLimits", matrixError("malformed"), 3);
    homeserver.fail("liftRateLimits", matrixError("unreachable"), 3);
    for (let n = 1; n <= 6; n++) await sessions.ensure(`agent_${n}`, "Scout", signal);
    expect(refused).toMatchObject([{ kind: "malformed" }, { kind: "unreachable" }]);
  });

  test("is not waited for by whoever gives up meanwhile", async () => {
    const stopping = new AbortController();
    homeserver.fail("liftRateLimits", matrixError("unreachable"));
    const exempted = care().exempt(userId, stopping.signal);
    stopping.abort(new Error("stopping"));
    await expect(exempted).rejects.toThrow("stopping");
    expect(refused).toEqual([]);
  });
});

describe("the users that are there already", () => {
  test("are exempted one after the other, and those that could not be are looked at again", async () => {
    await newSessions(homeserver, vault).ensure("agent_1", "Scout", signal);
    await newSessions(homeserver, vault).ensure("agent_2", "Scout", signal);
    homeserver.fail("liftRateLimits", matrixError("unreachable"), 1, ({ args }) => args[0] === "@agent_1:test");
    const stopping = new AbortController();
    let looks = 0;
    const residents = async function* () {
      looks++;
      for (const agentId of ["agent-1", "agent-2"])
        yield { actor: addressOf.agent("test", agentId), agentId, life: "live", isSettled: true, revision: 1 };
    };
    const running = exemptResidents(
      { care: care(), directory: { residents }, sessions, server: "test", clock },
      stopping.signal,
    );
    await clock.pass(0);
    expect([...admin.exempted]).toEqual(["@agent_2:test"]);
    await clock.pass(minutes(5));
    expect([...admin.exempted]).toEqual(["@agent_2:test", userId]);
    const requests = homeserver.count("liftRateLimits");
    await clock.pass(hour);
    expect([looks, homeserver.count("liftRateLimits")], "nothing is done where nothing is to do").toEqual([
      1,
      requests,
    ]);
    stopping.abort(new Error("stopping"));
    await expect(running).rejects.toThrow("stopping");
  });
});

test("a user that could not be exempted when it logged in is so later, without a look at all", async () => {
  const stopping = new AbortController();
  const shared = care();
  sessions = newSessions(homeserver, vault, shared);
  const options = { care: shared, directory: { async *residents() {} }, sessions, server: "test", clock };
  const running = exemptResidents(options, stopping.signal);
  await clock.pass(minutes(1));
  homeserver.fail("liftRateLimits", matrixError("unreachable"));
  await ensure();
  expect([...admin.exempted]).toEqual([]);
  await clock.pass(minutes(10));
  expect([...admin.exempted]).toEqual([userId]);
  stopping.abort(new Error("stopping"));
  await expect(running).rejects.toThrow("stopping");
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
