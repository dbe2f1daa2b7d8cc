import { expect, it } from "vitest";
import { never, newRoom, newUser, type PortUnderContract, sendText, type User } from "./server.ts";

/** For a homeserver that searches; what another one says is an oddity of it. */
export function searchingContract(server: () => PortUnderContract): void {
  const bodiesFor = async (user: User, text: string, rooms?: readonly string[]) => {
    const request = { text, limit: 10, ...(rooms !== undefined && { rooms }) };
    const { found } = await user.client.search(request, never);
    return found.map(({ roomId, sender, content }) => [roomId, sender, content["body"]]);
  };

  it("finds messages by their words, the newest first, in the rooms that one is in", async () => {
    const [user, other] = [await newUser(server()), await newUser(server())];
    const [shared, own, others] = [await newRoom(user, other), await newRoom(user), await newRoom(other)];
    await sendText(other, shared, "The walrus has left");
    await sendText(user, own, "a walrus, and a carpenter");
    await sendText(other, others, "nobody else's walrus");
    await sendText(user, shared, "nothing of the kind");
    expect(await bodiesFor(user, "walrus")).toEqual([
      [own, user.userId, "a walrus, and a carpenter"],
      [shared, other.userId, "The walrus has left"],
    ]);
    expect(await bodiesFor(user, "walrus", [shared])).toEqual([[shared, other.userId, "The walrus has left"]]);
    expect(await bodiesFor(user, "carpenter walrus")).toEqual([[own, user.userId, "a walrus, and a carpenter"]]);
    expect(await bodiesFor(user, "oyster")).toEqual([]);
  });

  it("gives what it finds by pages", async () => {
    const user = await newUser(server());
    const room = await newRoom(user);
    for (let n = 1; n <= 5; n++) await sendText(user, room, `cabbage ${n}`);
    const bodies: unknown[] = [];
    for (let from: string | undefined; ; ) {
      const request = { text: "cabbage", limit: 2, ...(from !== undefined && { from }) };
      const { found, next } = await user.client.search(request, never);
      bodies.push(...found.map(({ content }) => content["body"]));
      if (next === undefined || found.length === 0) break;
      from = next;
    }
    expect(bodies).toEqual([5, 4, 3, 2, 1].map((n) => `cabbage ${n}`));
  });
}
