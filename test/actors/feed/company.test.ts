import { beforeEach, describe, expect, test } from "vitest";
import { Company } from "../../../src/actors/feed/company.ts";
import { addressOf } from "../../../src/machines/addresses.ts";
import { MatrixError } from "../../../src/matrix/port.ts";
import { matrixError } from "../../ports/fake-homeserver.ts";
import { effectContext } from "../effect-context.ts";
import { type Town, town } from "../town.ts";

let t: Town;
let users: string[];
const { signal } = effectContext<never>();

beforeEach(async () => {
  t = await town();
  users = [t.userId];
});

function company(): Company {
  const { clock, sessions } = t;
  const all = () => users.map((userId) => ({ actor: addressOf.agent("test", userId), userId })).values();
  return new Company({ clock, sessions, residents: { all } });
}

function polls() {
  return t.homeserver.requests.filter(({ call }) => call === "sync");
}

describe("the company that we keep the homeserver", () => {
  test("asks at once, then is held, and nothing that is said ends that", async () => {
    const one = company();
    await one.attend(signal);
    let isOver = false;
    const stay = one.attend(signal).then(() => {
      isOver = true;
    });
    await t.clock.pass(29_000);
    expect(isOver).toBe(false);
    await t.clock.pass(1_000);
    await stay;
    expect(polls().map(({ user }) => user)).toEqual([t.userId, t.userId]);
  });

  test("tells when the homeserver is gone, and begins anew by another user", async () => {
    await t.sessions.ensure("agent_2", "Nora", signal);
    users.push("@agent_2:test", "@agent_3:test");
    const one = company();
    await one.attend(signal);
    t.homeserver.fail("sync", matrixError("unreachable"));
    await expect(one.attend(signal)).rejects.toMatchObject({ kind: "unreachable" });
    await one.attend(signal);
    expect(polls().map(({ user }) => user)).toEqual([t.userId, t.userId, "@agent_2:test"]);
  });

  test("asks for less where a proxy does not wait so long, and takes that for no absence", async () => {
    const impatience = new MatrixError("unreachable", "too slow", { remedy: "none", httpStatus: 504 });
    const one = company();
    await one.attend(signal);
    for (let n = 0; n < 2; n++) {
      t.homeserver.fail("sync", impatience);
      await one.attend(signal);
    }
    let isOver = false;
    const stay = one.attend(signal).then(() => {
      isOver = true;
    });
    await t.clock.pass(7_000);
    expect(isOver).toBe(false);
    await t.clock.pass(500);
    await stay;
    t.homeserver.fail("sync", impatience);
    await expect(one.attend(signal)).rejects.toBe(impatience);
  });

  test("waits for somebody who could ask", async () => {
    users = [];
    const waits = company().attend(signal);
    await t.clock.pass(1_000);
    await waits;
    expect(polls()).toEqual([]);
  });
});
