import { beforeEach, describe, expect, test } from "vitest";
import { ensureProfile, type Picture } from "../../../src/actors/agent/profile.ts";
import type { Avatar } from "../../../src/machines/agent/context.ts";
import { effectContext } from "../effect-context.ts";
import { type Town, town } from "../town.ts";

const drawn: Picture = {
  source: "drawn 1",
  file: { name: "avatar.png", contentType: "image/png", bytes: Uint8Array.of(1, 2, 3) },
};

let t: Town;
beforeEach(async () => {
  t = await town();
});

function ensure(
  { name = "Scout", avatar = null }: { name?: string; avatar?: Avatar | null } = {},
  picture: Picture | undefined = drawn,
  context = effectContext<never>(),
) {
  const input = { userId: t.userId, agentId: "agent-1", name, avatar };
  return ensureProfile(t.sessions, () => picture)(input, context);
}
const shown = () => t.homeserver.profiles.get(t.userId);

describe("an agent's profile", () => {
  test("shows the agent's name and a picture, which is uploaded once", async () => {
    const { avatar } = await ensure();
    expect(shown()).toEqual({ displayName: "Scout", avatarUrl: avatar?.url });
    expect(t.homeserver.media.get(avatar?.url ?? "")).toMatchObject({ contentType: "image/png" });
    const before = t.homeserver.requests.length;
    expect(await ensure({ avatar })).toEqual({ avatar });
    expect(t.homeserver.requests.slice(before).map(({ call }) => call)).toEqual(["profile"]);
  });

  test("follows a rename in Letta", async () => {
    const { avatar } = await ensure();
    await ensure({ name: "Ranger", avatar });
    expect(shown()).toEqual({ displayName: "Ranger", avatarUrl: avatar?.url });
    expect(t.homeserver.count("upload")).toBe(1);
  });

  test("gets back what was changed from outside", async () => {
    const { avatar } = await ensure();
    t.homeserver.showProfile(t.userId, { displayName: "somebody else", avatarUrl: "" });
    await ensure({ avatar });
    expect(shown()).toEqual({ displayName: "Scout", avatarUrl: avatar?.url });
  });

  test("keeps the picture that it has when the store was lost", async () => {
    const { avatar } = await ensure();
    expect(await ensure()).toEqual({ avatar });
    expect(t.homeserver.count("upload")).toBe(1);
  });

  test("shows a picture that an earlier process uploaded and did not get to show", async () => {
    const killed = effectContext<never>();
    t.homeserver.fail("setAvatarUrl", new Error("killed"));
    await expect(ensure({}, drawn, killed)).rejects.toThrow("killed");
    const restarted = effectContext<never>({ restarted: true, checkpointed: killed.checkpoints.at(-1) });
    const { avatar } = await ensure({}, drawn, restarted);
    expect(shown()?.avatarUrl).toBe(avatar?.url);
    expect(t.homeserver.count("upload")).toBe(1);
  });

  test("changes with the configured picture, and shows none when there is to be none", async () => {
    const { avatar } = await ensure();
    const configured = { source: "mxc://test/logo", url: "mxc://test/logo" };
    const next = await ensure({ avatar }, configured);
    expect(shown()?.avatarUrl).toBe("mxc://test/logo");
    expect(next).toEqual({ avatar: configured });
    await ensureProfile(t.sessions, () => undefined)(
      { userId: t.userId, agentId: "agent-1", name: "Scout", avatar: next.avatar },
      effectContext<never>(),
    );
    expect(shown()?.avatarUrl).toBe("");
  });

  test("without a picture leaves the one alone that is not ours", async () => {
    t.homeserver.showProfile(t.userId, { avatarUrl: "mxc://test/by-hand" });
    const input = { userId: t.userId, agentId: "agent-1", name: "Scout", avatar: null };
    await ensureProfile(t.sessions, () => undefined)(input, effectContext<never>());
    expect(shown()?.avatarUrl).toBe("mxc://test/by-hand");
  });

  test("shows a name that homeservers take, however long the agent's is", async () => {
    await ensure({ name: "x".repeat(1_000) });
    expect(shown()?.displayName).toMatch(/^x{200,254}…$/);
  });
});
