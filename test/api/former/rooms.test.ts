import { describe, expect, test } from "vitest";
import { MatrixError } from "../../../src/matrix/port.ts";
import { matrixError } from "../../ports/fake-homeserver.ts";
import { bearer, former, keyed } from "./harness.ts";

const spellings = (one: string, other: string) => [one, other] as const;

describe("sending", () => {
  test.each(spellings("/messages/send", "/send_message"))("%s sends as the holder of the token", async (url) => {
    const { call, asked } = former();
    const body = { room_id: "!one:test", message: "hello", homeserver: "http://homeserver:8008" };
    const sent = await call("POST", url, { headers: bearer, body });
    expect(sent).toMatchObject({ status: 200, body: { success: true, event_id: "$sent-1", message: "Message sent" } });
    expect(asked).toMatchObject([
      { name: "messages.send", input: { room: "!one:test", text: "hello" }, principal: { name: "tester" } },
    ]);
  });

  test("a person's own Matrix token sends as that person, and is asked of the homeserver", async () => {
    const { call, asked, homeserver } = former();
    const { accessToken } = homeserver.sessionOf("@anna:test");
    const room = homeserver.makeRoom("@anna:test");
    const sent = await call("POST", "/messages/send", {
      body: { room_id: room, message: "it is me", access_token: accessToken, homeserver: "test" },
    });
    expect(sent).toMatchObject({ status: 200, body: { success: true } });
    const last = homeserver.room(room).events.at(-1);
    expect(last).toMatchObject({ sender: "@anna:test", content: { msgtype: "m.text", body: "it is me" } });
    expect(asked).toEqual([]);
  });

  test("a room's id with half a character in it is refused as what it is, whoever sends", async () => {
    const { call, homeserver, audited, asked } = former();
    const { accessToken } = homeserver.sessionOf("@anna:test");
    for (const [url, rest] of [
      ["/messages/send", { message: "hello" }],
      ["/messages/get", {}],
    ] as const)
      for (const [headers, credentials] of [
        [bearer, {}],
        [{}, { access_token: accessToken }],
      ] as const)
        expect(
          await call("POST", url, { headers, body: { room_id: "!\ud83d:test", ...rest, ...credentials } }),
        ).toEqual(
          expect.objectContaining({
            status: 400,
            body: { success: false, message: "room_id: must be well-formed text" },
          }),
        );
    expect([audited, asked]).toEqual([[], []]);
  });

  test("what a person changes by its own token is audited under its name, also what the homeserver forbids", async () => {
    const { call, homeserver, audited } = former();
    const { accessToken } = homeserver.sessionOf("@anna:test");
    const own = homeserver.makeRoom("@anna:test");
    const others = homeserver.makeRoom("@somebody:test");
    for (const room_id of [own, others])
      await call("POST", "/send_message", { body: { room_id, message: "canary", access_token: accessToken } });
    await call("POST", "/create_room", { body: { name: "Hers", access_token: accessToken } });
    await call("GET", "/rooms/list", { headers: { "x-access-token": accessToken } });
    expect(audited).toEqual([
      { who: "@anna:test", requestId: expect.any(String), command: "messages.send", target: own, outcome: "done" },
      {
        who: "@anna:test",
        requestId: expect.any(String),
        command: "messages.send",
        target: others,
        outcome: "failed",
        error: "GuestRefused",
      },
      { who: "@anna:test", requestId: expect.any(String), command: "rooms.create", target: "Hers", outcome: "done" },
    ]);
    expect(JSON.stringify(audited)).not.toContain("canary");
  });

  test("whoever has a key and sends a person's token acts as that person, and as nobody more", async () => {
    const { call, asked, homeserver } = former();
    const { accessToken } = homeserver.sessionOf("@anna:test");
    const room = homeserver.makeRoom("@somebody:test");
    const body = { room_id: room, message: "let me in", access_token: accessToken };
    expect(await call("POST", "/messages/send", { headers: keyed, body })).toMatchObject({
      status: 403,
      body: { success: false },
    });
    expect(asked).toEqual([]);
  });

  test.each(["@agent_1:test", "@letta-matrix:test"])(
    "the token of %s, which is ours, opens nothing",
    async (userId) => {
      const { call, homeserver } = former();
      const { accessToken } = homeserver.sessionOf(userId);
      const room = homeserver.makeRoom(userId);
      const body = { room_id: room, message: "as the agent", access_token: accessToken };
      expect(await call("POST", "/send_message", { body })).toMatchObject({ status: 403, body: { success: false } });
      expect(homeserver.count("send")).toBe(0);
    },
  );

  test.each(["line\nbreak", "ünicode", " ", "\u0000", "x".repeat(4_097)])(
    "%j is nobody's token",
    async (access_token) => {
      const { call, homeserver } = former();
      const body = { room_id: "!one:test", message: "hello", access_token };
      expect(await call("POST", "/send_message", { body })).toMatchObject({ status: 401, body: { success: false } });
      expect(homeserver.requests).toEqual([]);
    },
  );

  test("a token of ours is taken as access_token", async () => {
    const { call, asked } = former();
    const body = { room_id: "!one:test", message: "hello", access_token: "canary_letta_matrix_token" };
    expect((await call("POST", "/send_message", { body })).status).toBe(200);
    expect(asked).toMatchObject([{ principal: { name: "tester" } }]);
  });
});

describe("reading", () => {
  test.each(spellings("/messages/get", "/get_messages"))(
    "%s gives the newest first, five unless asked",
    async (url) => {
      const { call, asked } = former();
      const got = await call("POST", url, { headers: bearer, body: { room_id: "!one:test" } });
      expect(got.body).toEqual({
        success: true,
        messages: [
          {
            sender: "@anna:test",
            body: "text 2",
            timestamp: 2_000,
            formatted_time: "1970-01-01 00:00:02",
            event_id: "$!one:test-2",
          },
          {
            sender: "@anna:test",
            body: "text 1",
            timestamp: 1_000,
            formatted_time: "1970-01-01 00:00:01",
            event_id: "$!one:test-1",
          },
        ],
        message: "2 messages",
      });
      // The bot is not in there; who is, is asked of the rooms.
      expect(asked).toMatchObject([
        { name: "rooms" },
        { name: "messages.list", input: { room: "!one:test", agent: "agent-1", limit: 5 } },
      ]);
    },
  );

  test.each(spellings("/rooms/list", "/list_rooms"))("%s names the rooms", async (url) => {
    const { call } = former();
    const listed = await call("GET", `${url}?homeserver=http://homeserver:8008/`, { headers: bearer });
    const rooms = [{ room_id: "!one:test", room_name: "Scout" }];
    expect(listed).toMatchObject({ status: 200, body: { success: true, rooms, message: "1 rooms" } });
  });

  test("a person's token in X-Access-Token lists that person's rooms, by name or by id", async () => {
    const { call, homeserver } = former();
    const { accessToken } = homeserver.sessionOf("@anna:test");
    const named = homeserver.makeRoom("@anna:test", { name: "Kitchen" });
    const bare = homeserver.makeRoom("@anna:test");
    homeserver.makeRoom("@other:test", { name: "Not hers" });
    const { body } = await call("GET", "/rooms/list", { headers: { "x-access-token": accessToken } });
    expect(body).toMatchObject({
      rooms: [
        { room_id: named, room_name: "Kitchen" },
        { room_id: bare, room_name: bare },
      ],
    });
  });

  test("/messages/recent gives the last of all rooms, the newest first, and no more than asked", async () => {
    const { call, homeserver } = former();
    const { accessToken } = homeserver.sessionOf("@anna:test");
    const rooms = ["Kitchen", "Garden"].map((name) => homeserver.makeRoom("@anna:test", { name }));
    for (const [index, roomId] of [...rooms, ...rooms].entries())
      homeserver.post(roomId, {
        sender: "@anna:test",
        content: { msgtype: "m.text", body: `${index}` },
        originServerTs: index,
      });
    const url = "/messages/recent?homeserver=test&limit=3";
    const { body } = await call("GET", url, { headers: { "x-access-token": accessToken } });
    expect(body).toMatchObject({
      success: true,
      messages: [
        { body: "3", room_name: "Garden" },
        { body: "2", room_name: "Kitchen" },
        { body: "1", room_name: "Garden" },
      ],
      message: "3 messages from 2 rooms",
    });
  });

  test("one room that cannot be read hides no other; none that can be read is said", async () => {
    const { call, homeserver } = former();
    const { accessToken } = homeserver.sessionOf("@anna:test");
    for (const name of ["Kitchen", "Garden"])
      homeserver.post(homeserver.makeRoom("@anna:test", { name }), { sender: "@anna:test" });
    const headers = { "x-access-token": accessToken };
    homeserver.fail("messages", matrixError("forbidden"));
    expect((await call("GET", "/messages/recent", { headers })).body).toMatchObject({ messages: [{}] });
    homeserver.fail("messages", matrixError("unreachable"), 2);
    expect(await call("GET", "/messages/recent", { headers })).toMatchObject({ status: 503, body: { success: false } });
  });

  test("a message that claims to be from any time at all is given", async () => {
    const { call, homeserver } = former();
    const { accessToken } = homeserver.sessionOf("@anna:test");
    const room = homeserver.makeRoom("@anna:test");
    for (const originServerTs of [Number.MAX_SAFE_INTEGER, -5])
      homeserver.post(room, { sender: "@anna:test", originServerTs });
    const body = { room_id: room, access_token: accessToken };
    expect(await call("POST", "/messages/get", { body })).toMatchObject({
      status: 200,
      body: { messages: [{ formatted_time: "1970-01-01 00:00:00" }, { formatted_time: "+275760-09-13 00:00:00" }] },
    });
  });
});

test("more than so many requests a minute are told to wait", async () => {
  const { call } = former({ ratePerMinute: 3 });
  for (let request = 0; request < 3; request++)
    expect((await call("GET", "/rooms/list", { headers: bearer })).status).toBe(200);
  const late = await call("GET", "/rooms/list", { headers: bearer });
  expect(late).toMatchObject({ status: 429, body: { success: false } });
  expect(Number(late.headers["retry-after"])).toBeGreaterThan(0);
  expect((await call("GET", "/rooms/list", { headers: keyed })).status).toBe(200);
});

test("/create_room makes a room, as the bot or as the person", async () => {
  const { call, asked, homeserver } = former();
  const wish = { name: "Plans", topic: "What next", invite: ["@bert:test"] };
  const made = await call("POST", "/create_room", { headers: keyed, body: wish });
  expect(made).toMatchObject({ status: 200, body: { success: true, room_id: "!made:test" } });
  expect(asked).toMatchObject([{ name: "rooms.create", input: wish }]);
  const { accessToken } = homeserver.sessionOf("@anna:test");
  const own = await call("POST", "/create_room", { body: { ...wish, access_token: accessToken } });
  const roomId = String(Reflect.get(Object(own.body), "room_id"));
  expect(homeserver.room(roomId).events[0]).toMatchObject({ type: "m.room.create", sender: "@anna:test" });
  expect(homeserver.room(roomId).membershipOf("@bert:test")).toBe("invite");
});

describe("what cannot be done is said in the old body", () => {
  test.each([
    ["nothing to send", { room_id: "!one:test" }],
    ["no room", { message: "hello" }],
    ["no room id", { room_id: "#alias:test", message: "hello" }],
    ["another homeserver", { room_id: "!one:test", message: "hello", homeserver: "https://matrix.org" }],
    ["a list", []],
    ["a number for a text", { room_id: "!one:test", message: 7 }],
    ["no JSON", '{"access_token": "canary-in-broken-json'],
    ["something that reaches for the prototype", '{"__proto__": {"a": 1}, "room_id": "!one:test", "message": "x"}'],
  ])("%s", async (_, body) => {
    const { call, asked } = former();
    const answer = await call("POST", "/messages/send", { headers: bearer, body });
    expect(answer).toMatchObject({ status: 400, body: { success: false, message: expect.any(String) } });
    expect(answer.text).not.toContain("canary");
    expect(asked).toEqual([]);
  });

  test("too large a body, or none that is JSON", async () => {
    const { call, server } = former();
    const large = { room_id: "!one:test", message: "x".repeat(2_000_000) };
    expect(await call("POST", "/messages/send", { headers: bearer, body: large })).toMatchObject({
      status: 413,
      body: { success: false },
    });
    const form = await server.inject({
      method: "POST",
      url: "/messages/send",
      headers: { ...bearer, "content-type": "application/x-www-form-urlencoded" },
      payload: "room_id=x",
    });
    expect(form.statusCode).toBe(415);
    expect(form.json()).toMatchObject({ success: false });
  });

  test("a command that fails: by its kind, and what nobody expects without its words", async () => {
    const { call, failing, lines } = former();
    const body = { room_id: "!one:test", message: "hello" };
    const details = { remedy: "Wait.", retryAfterMs: 2_500 };
    failing.set("messages.send", new MatrixError("limited", "too many", details));
    const limited = await call("POST", "/messages/send", { headers: bearer, body });
    expect(limited).toMatchObject({ status: 429, body: { success: false, message: "Too many. Wait." } });
    expect(limited.headers["retry-after"]).toBe("3");
    failing.set("messages.send", new MatrixError("unreachable", "it is down", { remedy: "Start it." }));
    expect((await call("POST", "/messages/send", { headers: bearer, body })).status).toBe(503);
    failing.set("messages.send", Object.assign(new Error("no room yet"), { remedy: "Wait." }));
    expect((await call("POST", "/messages/send", { headers: bearer, body })).status).toBe(422);
    failing.set("messages.send", new Error("canary: at /home/someone/secret.ts"));
    const unexpected = await call("POST", "/messages/send", { headers: bearer, body });
    expect(unexpected).toMatchObject({ status: 500, body: { success: false } });
    expect(unexpected.text).not.toContain("canary");
    expect(lines.join()).toContain("a former route failed");
  });
});
