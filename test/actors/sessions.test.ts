import { inspect } from "node:util";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { Bot } from "../../src/actors/bot.ts";
import type { Sessions } from "../../src/actors/sessions.ts";
import { MatrixError, noToken } from "../../src/matrix/port.ts";
import { FakeHomeserver, matrixError } from "../ports/fake-homeserver.ts";
import { FakeVault } from "../ports/fake-vault.ts";
import { SimulatedClock } from "../runtime/simulated-clock.ts";
import { newSessions } from "./town.ts";

const { signal } = new AbortController();
const userId = "@agent_1:test";

let homeserver: FakeHomeserver;
let vault: FakeVault;
let sessions: Sessions;

beforeEach(() => {
  homeserver = new FakeHomeserver(new SimulatedClock());
  vault = new FakeVault();
  sessions = newSessions(homeserver, vault);
});

function calls(): string[] {
  return homeserver.requests.map(({ call }) => call);
}

describe("a session", () => {
  test("#11 is made once, however often it is wanted", async () => {
    for (let n = 0; n < 3; n++) await sessions.ensure("agent_1", "Scout", signal);
    expect(calls()).toEqual(["register"]);
    expect(sessions.as(userId)).toBe(sessions.as(userId));
  });

  test("is made once for all who want it at the same time", async () => {
    await Promise.all(Array.from({ length: 20 }, () => sessions.ensure("agent_1", "Scout", signal)));
    expect(calls()).toEqual(["register"]);
  });

  test("that could not be made is tried again by the next who wants it", async () => {
    homeserver.fail("register", matrixError("unreachable"));
    await expect(sessions.ensure("agent_1", "Scout", signal)).rejects.toMatchObject({ kind: "unreachable" });
    await sessions.ensure("agent_1", "Scout", signal);
    expect(calls()).toEqual(["register", "register"]);
  });

  test("outlives the process: a restart makes no request", async () => {
    await sessions.ensure("agent_1", "Scout", signal);
    const later = newSessions(homeserver, vault);
    await later.ensure("agent_1", "Scout", signal);
    await later.as(userId).typing("!room:test", true, 1, signal);
    expect(calls()).toEqual(["register", "typing"]);
  });

  test("of a user that exists is a login with the password we derive", async () => {
    await sessions.ensure("agent_1", "Scout", signal);
    const later = newSessions(homeserver, new FakeVault());
    await later.ensure("agent_1", "Scout", signal);
    expect(calls()).toEqual(["register", "register", "login"]);
  });

  test("of somebody else's user is refused, not taken over", async () => {
    await homeserver.register({ localpart: "agent_1", password: "theirs", deviceId: "D" }, signal);
    await expect(sessions.ensure("agent_1", "Scout", signal)).rejects.toMatchObject({ kind: "forbidden" });
    expect(() => sessions.as(userId)).toThrow("not logged in");
  });

  test("is forgotten when the homeserver has refused it, also in the vault", async () => {
    await sessions.ensure("agent_1", "Scout", signal);
    await sessions.forget(userId);
    expect(vault.kept.size).toBe(0);
    expect(() => sessions.as(userId)).toThrow(MatrixError);
    await sessions.ensure("agent_1", "Scout", signal);
    expect(calls()).toEqual(["register", "register", "login"]);
  });

  test("of an application service tells until the user has logged in that it may have no password, also when refused", async () => {
    await sessions.keep({ userId, deviceId: "D", accessToken: noToken });
    await sessions.keep({ userId: "@agent_2:test", deviceId: "D", accessToken: "its own" });
    for (let time = 1; time <= 2; time++) await sessions.forget(userId);
    expect(sessions.isLoggedIn(userId)).toBe(false);
    expect(await Array.fromAsync(newSessions(homeserver, vault).withoutToken())).toEqual([userId]);
    await sessions.ensure("agent_1", "Scout", signal);
    expect(sessions.isLoggedIn(userId)).toBe(true);
    expect(await Array.fromAsync(sessions.withoutToken())).toEqual([]);
    await sessions.keep({ userId, deviceId: "D", accessToken: noToken });
    await sessions.end(userId);
    expect(await Array.fromAsync(sessions.withoutToken())).toEqual([]);
  });

  test("is acted by no more from the moment on when it is forgotten, though the vault may still have it", async () => {
    await sessions.ensure("agent_1", "Scout", signal);
    const forgetting = sessions.forget(userId, sessions.as(userId));
    expect(vault.kept.size).toBe(1);
    expect(sessions.isLoggedIn(userId)).toBe(false);
    expect(() => sessions.as(userId)).toThrow("not logged in");
    await Promise.all([forgetting, sessions.ensure("agent_1", "Scout", signal)]);
    await newSessions(homeserver, vault).as(userId).typing("!room:test", true, 1, signal);
  });

  test("is not forgotten for the refusal of an older one", async () => {
    await sessions.ensure("agent_1", "Scout", signal);
    const old = sessions.as(userId);
    await sessions.forget(userId, old);
    await sessions.ensure("agent_1", "Scout", signal);
    await sessions.forget(userId, old);
    expect(sessions.as(userId)).not.toBe(old);
  });

  test("that the vault has lost in part is made again, and not quoted", async () => {
    for (const text of ["secret-token-1 is no JSON", '{"accessToken":"secret-token-1"}', "null"]) {
      vault.kept.set(`session ${userId}`, text);
      const fresh = newSessions(homeserver, vault);
      expect(() => fresh.as(userId)).toThrow("not logged in");
      await fresh.ensure("agent_1", "Scout", signal);
      expect(fresh.as(userId).userId).toBe(userId);
    }
  });

  test("#46 appears in no error", async () => {
    const errors: unknown[] = [];
    const note = (error: unknown): void => void errors.push(error);
    await homeserver.register({ localpart: "agent_2", password: "theirs", deviceId: "D" }, signal);
    await sessions.ensure("agent_1", "Scout", signal);
    homeserver.refuseTokens(userId);
    await sessions.as(userId).typing("!room:test", true, 1, signal).catch(note);
    await sessions.ensure("agent_2", "Other", signal).catch(note);
    vault.kept.set("session @agent_3:test", "secret-token-3 {");
    await Promise.resolve()
      .then(() => sessions.as("@agent_3:test"))
      .catch(note);
    expect(errors).toHaveLength(3);
    for (const error of errors) expect(inspect(error, { depth: 10, showHidden: true })).not.toMatch(/secret-|theirs/);
    expect(inspect(sessions, { depth: 10 })).not.toMatch(/secret/);
  });
});

describe("the bot", () => {
  const bot = (): Bot => new Bot(sessions, "@bot:test");

  test("logs in when it is first needed", async () => {
    expect(await bot().act(async ({ userId: acting }) => acting, signal)).toBe("@bot:test");
    expect(calls()).toEqual(["register"]);
  });

  test("whose session is refused renews it once, for all who need it at that moment", async () => {
    const one = bot();
    await one.ensure(signal);
    homeserver.refuseTokens("@bot:test");
    const type = () => one.act((client) => client.typing("!room:test", true, 1, signal), signal);
    await Promise.all(Array.from({ length: 10 }, type));
    expect(homeserver.count("login")).toBe(1);
    await type();
    expect(homeserver.count("login")).toBe(1);
  });

  test("whose session is refused renews it also for who hears of that while it is being forgotten", async () => {
    const one = bot();
    await one.ensure(signal);
    homeserver.refuseTokens("@bot:test");
    const disk = Promise.withResolvers<void>();
    vi.spyOn(vault, "delete").mockReturnValue(disk.promise);
    const acts = [1, 2].map(() => one.act((client) => client.typing("!room:test", true, 1, signal), signal));
    await acts[1];
    disk.resolve();
    await acts[0];
    expect(homeserver.count("login")).toBe(1);
  });

  test("that is refused again at once does not pass for the caller's own refusal", async () => {
    homeserver.fail("typing", matrixError("token"), 10);
    const acting = bot().act((client) => client.typing("!room:test", true, 1, signal), signal);
    await expect(acting).rejects.toMatchObject({ kind: "refused", cause: { kind: "token" } });
    expect(homeserver.count("login")).toBe(1);
  });

  test("leaves any other failure as it is", async () => {
    homeserver.fail("typing", matrixError("limited", 7));
    const acting = bot().act((client) => client.typing("!room:test", true, 1, signal), signal);
    await expect(acting).rejects.toMatchObject({ kind: "limited", retryAfterMs: 7 });
    expect(homeserver.count("login")).toBe(0);
  });
});
