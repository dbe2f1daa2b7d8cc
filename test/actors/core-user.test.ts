import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { coreUserBehaviour } from "../../src/actors/core-user/behaviour.ts";
import { Directory } from "../../src/actors/directory.ts";
import { PasswordFile } from "../../src/config/password-file.ts";
import { addressOf } from "../../src/machines/addresses.ts";
import { MatrixError } from "../../src/matrix/port.ts";
import { FakeAdmin } from "../ports/fake-admin.ts";
import { matrixError } from "../ports/fake-homeserver.ts";
import { effectContext } from "./effect-context.ts";
import { newSessions, type Town, town } from "./town.ts";

const userId = "@letta:test";
const bot = "@bot:test";

let folder: string;
let t: Town;
let wanted: Map<string, { password?: string }>;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "core-user-"));
  t = await town();
  wanted = new Map([[userId, {}]]);
});
afterEach(() => rm(folder, { recursive: true }));

const passwords = () => readFile(join(folder, "passwords"), "utf8").catch(() => "");

function run(effect: string, input: object, sessions = t.sessions, admin?: FakeAdmin): Promise<unknown> {
  const value = { life: "live", room: "ready" };
  const resident = { id: addressOf.agent("test", "agent-1"), value, context: { agentId: "agent-1" } };
  const behaviour = coreUserBehaviour({
    homeserver: t.homeserver,
    sessions,
    identity: {
      passwordOf: (user) => `secret-password-of-${user}`,
      deviceIdOf: (user) => `DEVICE-OF-${user}`,
    },
    passwords: new PasswordFile(folder),
    // Of a record only these are read.
    directory: new Directory(
      {
        list: async function* () {
          yield resident as never;
        },
        read: () => undefined,
      },
      "test",
    ),
    clock: t.clock,
    botUserId: bot,
    wanted,
    ...(admin !== undefined && { admin }),
  });
  const context = effectContext();
  return behaviour.children[effect]?.({ userId, ...input }, context) ?? Promise.reject(new Error(effect));
}

const ensure = (renew = false) => run("ensureUser", { renew });

describe("a core user that is missing", () => {
  test("is made, and its password is in a file that only its owner may read", async () => {
    expect(await ensure()).toBe("ours");
    expect(await passwords()).toBe(`${userId} ${t.homeserver.passwords.get(userId)}\n`);
    expect((await stat(join(folder, "passwords"))).mode & 0o777).toBe(0o600);
    expect(await ensure()).toBe("ours");
    expect(t.homeserver.count("register", userId)).toBe(1);
  });

  test("is made once, also when the process died before it noted the password", async () => {
    await ensure();
    await rm(join(folder, "passwords"));
    expect(await run("ensureUser", { renew: false }, newSessions(t.homeserver, t.vault))).toBe("ours");
    await t.sessions.forget(userId);
    expect(await ensure()).toBe("ours");
    expect(await passwords()).toBe(`${userId} ${t.homeserver.passwords.get(userId)}\n`);
  });

  test("adds to the file and changes nothing in it", async () => {
    await writeFile(join(folder, "passwords"), `${userId} what-somebody-noted\n@other:test theirs\n`);
    await ensure();
    expect(await passwords()).toBe(`${userId} what-somebody-noted\n@other:test theirs\n`);
  });

  test("that cannot be made is told of with its reason", async () => {
    t.homeserver.fail("register", matrixError("forbidden"));
    await expect(ensure()).rejects.toMatchObject({ kind: "forbidden" });
    expect(await passwords()).toBe("");
  });
});

describe("a core user that exists", () => {
  beforeEach(() => void t.homeserver.passwords.set(userId, "its own"));

  test("#39 is left alone: its password is neither changed nor written anywhere", async () => {
    expect(await ensure()).toBe("theirs");
    expect(t.homeserver.passwords.get(userId)).toBe("its own");
    expect(await passwords()).toBe("");
  });

  test("is logged in where its password is configured, and that is not written anywhere", async () => {
    wanted.set(userId, { password: "its own" });
    expect(await ensure()).toBe("ours");
    expect(await passwords()).toBe("");
    expect(t.vault.kept.get(`password ${userId}`)).toBeUndefined();
  });

  test("whose configured password is wrong is told of", async () => {
    wanted.set(userId, { password: "another" });
    await expect(ensure()).rejects.toMatchObject({ kind: "forbidden", remedy: expect.stringContaining("core_users") });
  });

  test("and is the administrator itself is acted for with the administrator's token", async () => {
    const admin = new FakeAdmin(t.homeserver, userId);
    expect(await run("ensureUser", { renew: false }, t.sessions, admin)).toBe("ours");
    await t.sessions.as(userId).typing("!room:test", true, 1, new AbortController().signal);
    expect(t.homeserver.count("login", userId)).toBe(0);
  });

  test("is looked after although nobody can tell who the administrator is", async () => {
    const admin = new FakeAdmin(t.homeserver);
    const ensured = (user = userId) => run("ensureUser", { userId: user, renew: false }, t.sessions, admin);
    wanted.set(userId, { password: "its own" });
    t.homeserver.fail("session", matrixError("malformed"));
    expect(await ensured()).toBe("ours");
    wanted.set("@root:test", {});
    t.homeserver.passwords.set("@root:test", "its own");
    t.homeserver.fail("session", matrixError("malformed"));
    // It may be the administrator: that is seen when it is tried again.
    await expect(ensured("@root:test")).rejects.toMatchObject({ kind: "malformed" });
    expect(await ensured("@root:test")).toBe("ours");
  });

  test("is not looked for when it is not configured any more", async () => {
    wanted.clear();
    expect(await ensure()).toBe("unwanted");
    expect(t.homeserver.count("register", userId)).toBe(0);
  });
});

describe("a core user", () => {
  beforeEach(async () => void (await ensure()));

  test("goes where an agent or the bot invites it, and nowhere else", async () => {
    const rooms = [t.roomId, t.homeserver.makeRoom(bot), t.homeserver.makeRoom("@mallory:test")];
    rooms.push(t.homeserver.makeRoom("@agent_of_nobody:test"));
    for (const room of rooms) {
      const [inviter = ""] = t.homeserver.room(room).events.map(({ sender }) => sender);
      t.homeserver.setMember(room, userId, "invite", inviter);
    }
    expect(await run("follow", {})).toEqual({ since: expect.any(String) });
    expect(rooms.map((room) => t.homeserver.room(room).membershipOf(userId))).toEqual([
      "join",
      "join",
      "invite",
      "invite",
    ]);
  });

  test("comes back when it is invited again", async () => {
    t.homeserver.setMember(t.roomId, userId, "leave");
    const { since } = (await run("follow", {})) as { since: string };
    const followed = run("follow", { since });
    t.homeserver.setMember(t.roomId, userId, "invite", t.userId);
    await followed;
    expect(t.homeserver.room(t.roomId).membershipOf(userId)).toBe("join");
  });

  test("that is held back joins the rest later, and loses no invitation", async () => {
    const other = t.homeserver.makeRoom(bot);
    t.homeserver.setMember(t.roomId, userId, "invite", t.userId);
    t.homeserver.setMember(other, userId, "invite", bot);
    t.homeserver.fail("join", matrixError("limited", 10_000), 1, ({ args }) => args[0] === other);
    await expect(run("follow", {})).rejects.toMatchObject({ kind: "limited" });
    await run("follow", {});
    for (const room of [t.roomId, other]) expect(t.homeserver.room(room).membershipOf(userId)).toBe("join");
  });

  test("passes by an invitation that leads nowhere", async () => {
    const other = t.homeserver.makeRoom(bot);
    t.homeserver.setMember(t.roomId, userId, "invite", t.userId);
    t.homeserver.setMember(other, userId, "invite", bot);
    t.homeserver.fail("join", matrixError("forbidden"), 1, ({ args }) => args[0] === t.roomId);
    await run("follow", {});
    expect(t.homeserver.room(other).membershipOf(userId)).toBe("join");
  });

  test.each(["M_UNKNOWN", "M_INVALID_PARAM"])(
    "whose cursor is refused with %s says that it is that",
    async (errcode) => {
      const details = { remedy: "look", httpStatus: 400, errcode };
      t.homeserver.fail("sync", new MatrixError("refused", "Invalid stream token", details));
      await expect(run("follow", { since: "s1" })).rejects.toMatchObject({ kind: "cursor", cause: { errcode } });
      t.homeserver.fail("sync", new MatrixError("refused", "Invalid filter", details));
      await expect(run("follow", {})).rejects.toMatchObject({ kind: "refused" });
    },
  );
});
