import { randomUUID } from "node:crypto";
import { expect, it } from "vitest";
import {
  bodies,
  failure,
  history,
  never,
  newRoom,
  newUser,
  type PortUnderContract,
  roomIn,
  sendText,
  syncNow,
  type User,
} from "./server.ts";

const message = ["m.room.message"];

/** How far a transaction id is known. Where it is forgotten, the room has to be asked: see `src/actors/said.ts`. */
export interface KnownTransactions {
  readonly afterLogin: boolean;
  readonly afterKill: boolean;
  /** Each user has ids of its own. */
  readonly usersApart: boolean;
}

const saying = (isKnown: boolean) =>
  isKnown ? "still knows a transaction id" : "does not know a transaction id any more";
const once = (isKnown: boolean) => (isKnown ? ["once"] : ["once", "once"]);

export function sendingContract(server: () => PortUnderContract, known: KnownTransactions): void {
  it("makes one event of everything sent under one transaction id", async () => {
    const user = await newUser(server());
    const room = await newRoom(user);
    const txnId = randomUUID();
    const eventIds = await Promise.all([1, 2, 3].map(() => sendText(user, room, "once", txnId)));
    expect(new Set([...eventIds, await sendText(user, room, "once", txnId)]).size).toBe(1);
    expect(bodies(await history(user, room, message))).toEqual(["once"]);
  });

  it(`${saying(known.afterLogin)} after a new login on the same device`, async () => {
    const user = await newUser(server());
    const room = await newRoom(user);
    const eventId = await sendText(user, room, "once", "before-and-after-login");
    const credentials = await server().homeserver.login(user.account, never);
    const again: User = { ...user, credentials, client: server().homeserver.as(credentials) };
    const repeated = await sendText(again, room, "once", "before-and-after-login");
    expect(repeated === eventId).toBe(known.afterLogin);
    expect(bodies(await history(again, room, message))).toEqual(once(known.afterLogin));
  });

  it(`${saying(known.afterKill)} after the homeserver was killed, and still the user`, async () => {
    const user = await newUser(server());
    const room = await newRoom(user);
    const eventId = await sendText(user, room, "once", "before-and-after-kill");
    await server().crash();
    const repeated = await sendText(user, room, "once", "before-and-after-kill");
    expect(repeated === eventId).toBe(known.afterKill);
    expect(bodies(await history(user, room, message))).toEqual(once(known.afterKill));
  });

  it.runIf(known.usersApart)("keeps two users' messages under the same transaction id apart", async () => {
    const [one, two] = [await newUser(server()), await newUser(server())];
    const room = await newRoom(one, two);
    const txnId = randomUUID();
    expect(await sendText(one, room, "from one", txnId)).not.toBe(await sendText(two, room, "from two", txnId));
    expect(bodies(await history(one, room, message))).toEqual(["from one", "from two"]);
  });

  it("#9 makes 50 events of 50 messages sent at once", async () => {
    const user = await newUser(server());
    const room = await newRoom(user);
    const texts = Array.from({ length: 50 }, (_, n) => `message ${n}`);
    const eventIds = await Promise.all(texts.map((text) => sendText(user, room, text)));
    expect(new Set(eventIds).size).toBe(50);
    expect(bodies(await history(user, room, message)).sort()).toEqual(texts.sort());
  });

  it("edits a message by an event of its own", async () => {
    const user = await newUser(server());
    const room = await newRoom(user);
    const original = await sendText(user, room, "draft");
    const edit = {
      msgtype: "m.text",
      body: "* final",
      "m.new_content": { msgtype: "m.text", body: "final" },
      "m.relates_to": { rel_type: "m.replace", event_id: original },
    };
    const edited = await user.client.send(room, "m.room.message", "edit", edit, never);
    expect(edited).not.toBe(original);
    expect((await history(user, room, message)).at(-1)).toMatchObject({ eventId: edited, content: edit });
  });

  it("takes an event's content away, once", async () => {
    const user = await newUser(server());
    const room = await newRoom(user);
    const eventId = await sendText(user, room, "regretted");
    for (let time = 1; time <= 2; time++) await user.client.redact(room, eventId, "redaction", never);
    expect(await history(user, room, message)).toMatchObject([{ eventId, content: {} }]);
    expect(bodies(await history(user, room, message))).toEqual([undefined]);
    expect(await history(user, room, ["m.room.redaction"])).toHaveLength(1);
  });

  it("says that a message is too large, and sends the next one", async () => {
    const user = await newUser(server());
    const room = await newRoom(user);
    const error = await failure(sendText(user, room, "x".repeat(70_000)));
    expect(error).toMatchObject({ kind: "too-large" });
    expect(error.remedy).toMatch(/split/i);
    await sendText(user, room, "small");
    expect(bodies(await history(user, room, message))).toEqual(["small"]);
  });

  it("delivers any text as it is", async () => {
    const [sender, reader] = [await newUser(server()), await newUser(server())];
    const room = await newRoom(sender, reader);
    const since = (await syncNow(reader)).nextBatch;
    const texts = [
      "",
      "👩‍👩‍👧‍👦 family, 🇩🇪 flag, é combining, \u202eright to left\u202c, \u200bzero width, \ufeffmark",
      "nul \0 tab \t newline \n bell \u0007 delete \u007f line separator \u2028",
      '"quotes" \\ backslash \\ud83d escape </script><b onclick="x()">html</b> {{template}} %s %00 ../..',
    ];
    for (const text of texts) await sendText(sender, room, text);
    expect(bodies(roomIn(await syncNow(reader, since), room).timeline)).toEqual(texts);
  });

  it("delivers a text that was cut inside a character", async () => {
    const user = await newUser(server());
    const room = await newRoom(user);
    await sendText(user, room, "cut \ud83d");
    expect(bodies(await history(user, room, message))).toEqual(["cut \ufffd"]);
  });

  it("delivers keys that mean something to JavaScript, and the largest integers", async () => {
    const user = await newUser(server());
    const room = await newRoom(user);
    const content = JSON.parse(
      '{"body":"x","__proto__":{"polluted":true},"constructor":{"name":"Array"},"toString":1,"big":9007199254740991}',
    );
    await user.client.send(room, "io.test.keys", randomUUID(), content, never);
    const [event] = await history(user, room, ["io.test.keys"]);
    expect(JSON.parse(JSON.stringify(event?.content))).toEqual(content);
    expect(Object.hasOwn(event?.content ?? {}, "__proto__")).toBe(true);
    expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
  });

  it("takes any event type and transaction id", async () => {
    const user = await newUser(server());
    const room = await newRoom(user);
    const type = "io.test/odd?type#50% ü";
    const eventId = await user.client.send(room, type, "odd/txn?#% ü", { n: 1 }, never);
    expect(await user.client.send(room, type, "odd/txn?#% ü", { n: 1 }, never)).toBe(eventId);
    expect(await history(user, room, [type])).toMatchObject([{ eventId, type, content: { n: 1 } }]);
  });

  it("says that what is no Matrix content is refused", async () => {
    const user = await newUser(server());
    const room = await newRoom(user);
    const fraction = user.client.send(room, "m.room.message", randomUUID(), { body: "x", n: 1.5 }, never);
    expect(await failure(fraction)).toMatchObject({ kind: "refused", httpStatus: 400 });
  });

  it("says that who is not in a room may not send into it", async () => {
    const [owner, stranger] = [await newUser(server()), await newUser(server())];
    const room = await newRoom(owner);
    expect(await failure(sendText(stranger, room, "hello"))).toMatchObject({ kind: "forbidden", httpStatus: 403 });
    expect(await failure(sendText(stranger, "!nowhere:localhost", "hello"))).toMatchObject({ kind: "forbidden" });
  });
}
