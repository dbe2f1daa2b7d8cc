import { expect, it } from "vitest";
import { never, newAccount, newUser, type PortUnderContract } from "./server.ts";

/** The smallest picture there is: one transparent pixel. */
const pixel = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
  "base64",
);

export function profilesContract(server: () => PortUnderContract): void {
  it("shows a user's name and picture to others, and their changes", async () => {
    const [user, other] = [await newUser(server()), await newUser(server())];
    await user.client.setDisplayName("Scout", never);
    const { avatarUrl: before } = await other.client.profile(user.userId, never);
    expect(before).toBeUndefined();
    const avatarUrl = await user.client.upload({ name: "scout.png", contentType: "image/png", bytes: pixel }, never);
    await user.client.setAvatarUrl(avatarUrl, never);
    expect(await other.client.profile(user.userId, never)).toEqual({ displayName: "Scout", avatarUrl });
    await user.client.setAvatarUrl("", never);
    expect((await other.client.profile(user.userId, never)).avatarUrl ?? "").toBe("");
  });

  it("has nothing to show of a user that does not exist", async () => {
    const user = await newUser(server());
    const nobody = `@${newAccount("nobody").localpart}:${server().homeserver.serverName}`;
    expect(await user.client.profile(nobody, never)).toEqual({});
  });
}
