import { beforeEach, expect, test } from "vitest";
import { mending } from "../../src/actors/mending.ts";
import type { EffectContext } from "../../src/runtime/effect.ts";
import { FakeAdmin } from "../ports/fake-admin.ts";
import { matrixError } from "../ports/fake-homeserver.ts";
import { effectContext } from "./effect-context.ts";
import { type Town, town } from "./town.ts";

let t: Town;
let admin: FakeAdmin;
beforeEach(async () => {
  t = await town();
  admin = new FakeAdmin(t.homeserver);
});

const input = () => ({ userId: t.userId, roomId: t.roomId });

/** Does what needs power, and without it fails as the homeserver does. */
async function rename({ userId, roomId }: { userId: string; roomId: string | null }, { signal }: EffectContext) {
  const levels = t.homeserver.room(roomId ?? "").state("m.room.power_levels", "");
  if (Object(levels?.["users"])[userId] !== 100) throw matrixError("forbidden");
  return t.sessions.as(userId).sendState(roomId ?? "", "m.room.name", "", { name: "Scout" }, signal);
}

test("what an agent has no power for any more is done after the administrator gave it back", async () => {
  await mending(admin, rename)(input(), effectContext());
  expect(t.homeserver.room(t.roomId).state("m.room.name", "")).toEqual({ name: "Scout" });
  expect(t.homeserver.count("makeRoomAdmin")).toBe(1);
});

test("#40 what is forbidden all the same, or cannot be mended, fails with its own reason after one try", async () => {
  const forbidden = matrixError("forbidden");
  const never = mending(admin, async () => Promise.reject(forbidden));
  await expect(never(input(), effectContext())).rejects.toBe(forbidden);
  t.homeserver.fail("makeRoomAdmin", matrixError("refused"));
  await expect(never(input(), effectContext())).rejects.toBe(forbidden);
  expect(t.homeserver.count("makeRoomAdmin")).toBe(2);
});

test("nothing else is mended so, and nothing without an administrator's token", async () => {
  for (const kind of ["unreachable", "limited", "token", "missing"] as const) {
    const failing = mending(admin, async () => Promise.reject(matrixError(kind)));
    await expect(failing(input(), effectContext())).rejects.toMatchObject({ kind });
  }
  await expect(mending(undefined, rename)(input(), effectContext())).rejects.toMatchObject({ kind: "forbidden" });
  expect(t.homeserver.count("makeRoomAdmin")).toBe(0);
});
