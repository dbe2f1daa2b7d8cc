import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { registerUser } from "../servers/matrix-users.ts";
import { eventually } from "./eventually.ts";
import { type Household, startHousehold } from "./household.ts";
import { Person } from "./person.ts";

const membershipAnswer = z.object({ membership: z.string() });

describe("a program with an administrator's token, on a real Synapse", { timeout: 120_000 }, () => {
  let house: Household;
  beforeAll(async () => {
    house = await startHousehold({ people: ["anna"], administered: true });
    house.letta.agents = [{ id: "agent-scout", name: "Scout" }];
    await house.start();
  }, 300_000);
  afterAll(() => house?.close(), 60_000);

  it("#38 #40 an agent whose password was changed and whose sessions were ended is back, with one reset", async () => {
    const userId = house.userIdOf("agent-scout");
    await house.ready("agent-scout");
    await house.root.request("POST", `/_synapse/admin/v1/reset_password/${encodeURIComponent(userId)}`, {
      new_password: "somebody else's",
      logout_devices: true,
    });
    const resets = async () =>
      (await house.synapse.requests()).filter(({ path }) => path.includes("/reset_password/")).length - 1;
    await eventually("a reset by the program", async () => ((await resets()) > 0 ? true : undefined));
    await house.ready("agent-scout");
    expect(await resets()).toBe(1);
  });

  it("the space has an admin with all power and a reader without, whose passwords are in a private file", async () => {
    const [anna] = house.people;
    if (anna === undefined) throw new Error("there is no Anna");
    const spaceId = await anna.until("the space", () => anna.invitedBy(house.idOf("letta-matrix")));
    await anna.join(spaceId);
    for (const name of ["admin", "letta"])
      await eventually(`${name} in the space`, async () => {
        const { membership } = membershipAnswer.parse(await anna.state(spaceId, "m.room.member", house.idOf(name)));
        return membership === "join" ? true : undefined;
      });
    const file = await readFile(join(house.dir, "data", "passwords"), "utf8");
    const [, password = ""] = new RegExp(`^${house.idOf("admin")} (\\S+)$`, "m").exec(file) ?? [];
    const admin = await Person.logIn(house.synapse.baseUrl, house.idOf("admin"), password);
    await admin.request("PUT", `/rooms/${encodeURIComponent(spaceId)}/state/m.room.topic`, { topic: "mine" });
    await admin.close();
    const reader = await house.as(house.idOf("letta"));
    await expect(reader.say(spaceId, "hello")).rejects.toThrow("M_FORBIDDEN");
    expect(house.log.join("")).not.toContain(password);
  });

  it("#39 a core user that was there before keeps its password, and is only invited", async () => {
    await house.stop();
    const { userId, password } = await registerUser(house.synapse, "boss");
    await house.reconfigure({ core_users: { admin: "boss" } });
    await house.start();
    await eventually("the program to leave it alone", async () => {
      const boss = (await house.status()).coreUsers.find((one) => one.userId === userId);
      return boss?.state === "absent" ? true : undefined;
    });
    await (await Person.logIn(house.synapse.baseUrl, userId, password)).close();
    expect(await readFile(join(house.dir, "data", "passwords"), "utf8")).not.toContain(userId);
  });
});
