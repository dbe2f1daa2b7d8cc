import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { AddressTaken, AddressUnusable, TransactionListener } from "../../../src/matrix/appservice/listener.ts";
import type { MalformedPart } from "../../../src/matrix/event.ts";
import type { Transaction } from "../../../src/matrix/port.ts";

const hsToken = "the-homeservers-token";

let taken: Transaction[];
let malformed: MalformedPart[];
let unheard: number;
let refused: unknown[];
let pings: (string | undefined)[];
let take: (transaction: Transaction) => Promise<void>;
let listener: TransactionListener;
let base: string;

beforeEach(async () => {
  taken = [];
  malformed = [];
  unheard = 0;
  refused = [];
  pings = [];
  take = async (transaction) => void taken.push(transaction);
  listener = new TransactionListener({
    listen: "127.0.0.1:0",
    hsToken,
    onTransaction: (transaction) => take(transaction),
    onPing: (id) => pings.push(id),
    onUnheard: () => unheard++,
    onRefused: (error) => refused.push(error),
    onMalformed: (part) => malformed.push(part),
  });
  base = `http://127.0.0.1:${await listener.start()}`;
});

afterEach(() => listener.stop());

const event = (id: string, rest: object = {}) => ({
  event_id: id,
  room_id: "!room:test",
  type: "m.room.message",
  sender: "@anna:test",
  content: { msgtype: "m.text", body: "hello" },
  origin_server_ts: 1,
  ...rest,
});

async function request(method: string, path: string, body?: unknown, headers: Record<string, string> = bearer) {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const response = await fetch(`${base}${path}`, { method, headers, ...(body !== undefined && { body: text }) });
  return { status: response.status, body: await response.json() };
}

const bearer = { authorization: `Bearer ${hsToken}` };
const transactions = "/_matrix/app/v1/transactions";

describe("the listener", () => {
  test("hands a transaction on, and acknowledges it only when it has been taken", async () => {
    const durable = Promise.withResolvers<void>();
    take = (transaction) => {
      taken.push(transaction);
      return durable.promise;
    };
    let answered = false;
    const put = request("PUT", `${transactions}/t%2F1`, { events: [event("$1"), event("$2", { state_key: "" })] });
    void put.then(() => {
      answered = true;
    });
    while (taken.length === 0) await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(answered).toBe(false);
    durable.resolve();
    expect(await put).toEqual({ status: 200, body: {} });
    expect(taken).toEqual([
      {
        txnId: "t/1",
        events: [
          expect.objectContaining({ eventId: "$1", roomId: "!room:test", sender: "@anna:test" }),
          expect.objectContaining({ eventId: "$2", stateKey: "" }),
        ],
      },
    ]);
  });

  test("tells what an event takes back, in either place where room versions have it, and of no other event", async () => {
    const redaction = (id: string, rest: object) => event(id, { type: "m.room.redaction", content: {}, ...rest });
    const events = [
      redaction("$1", { redacts: "$a", content: { redacts: "$forged" } }),
      redaction("$2", { content: { redacts: "$b" } }),
      redaction("$3", { redacts: 3 }),
      event("$4", { redacts: "$c" }),
    ];
    await request("PUT", `${transactions}/1`, { events });
    expect(taken[0]?.events.map(({ redacts }) => redacts)).toEqual(["$a", "$b", undefined, undefined]);
  });

  test("hands on how long ago the homeserver got something, where it tells", async () => {
    const unsigned = [{ age: 50 }, { age: -1 }, { age: "50" }, undefined];
    const events = unsigned.map((one, n) => event(`$${n}`, one && { unsigned: one }));
    await request("PUT", `${transactions}/1`, { events });
    expect(taken[0]?.events.map(({ age }) => age)).toEqual([50, undefined, undefined, undefined]);
  });

  test("says when the homeserver has not waited until what it pushed was taken", async () => {
    const [durable, gone] = [Promise.withResolvers<void>(), new AbortController()];
    take = async (transaction) => {
      taken.push(transaction);
      await durable.promise;
    };
    const body = JSON.stringify({ events: [event("$1")] });
    const put = fetch(`${base}${transactions}/1`, { method: "PUT", headers: bearer, body, signal: gone.signal });
    while (taken.length === 0) await new Promise((resolve) => setImmediate(resolve));
    gone.abort();
    await expect(put).rejects.toThrow();
    await new Promise((resolve) => setTimeout(resolve, 50));
    durable.resolve();
    await request("PUT", `${transactions}/2`, { events: [] });
    expect(unheard).toBe(1);
  });

  test("has what could not be taken come again, and takes one transaction at a time", async () => {
    const order: string[] = [];
    take = async ({ txnId }) => {
      order.push(`begin ${txnId}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
      order.push(`end ${txnId}`);
      if (txnId === "1") throw new Error("the disk is full: secret-detail");
    };
    const [first, second] = await Promise.all([
      request("PUT", `${transactions}/1`, { events: [] }),
      request("PUT", `${transactions}/2`, { events: [] }),
    ]);
    expect([first?.status, second?.status]).toEqual([503, 200]);
    expect(JSON.stringify(first)).not.toContain("secret-detail");
    expect(refused).toEqual([expect.objectContaining({ message: "the disk is full: secret-detail" })]);
    expect(order.map((one) => one.split(" ")[0])).toEqual(["begin", "end", "begin", "end"]);
  });

  test("knows the homeserver by its token, in the header or in the query, and nobody else", async () => {
    const without = await request("PUT", `${transactions}/1`, { events: [] }, {});
    const wrong = await request("PUT", `${transactions}/1`, { events: [] }, { authorization: "Bearer other" });
    const almost = await request("PUT", `${transactions}/1?access_token=${hsToken}x`, { events: [] }, {});
    const inQuery = await request("PUT", `${transactions}/2?access_token=${hsToken}`, { events: [] }, {});
    expect([without.status, wrong.status, almost.status, inQuery.status]).toEqual([401, 403, 403, 200]);
    expect(taken.map(({ txnId }) => txnId)).toEqual(["2"]);
  });

  test("leaves out what is malformed, of no use or unknown, and takes the rest", async () => {
    const typing = [{ type: "m.typing", room_id: "!room:test", content: { user_ids: [] } }];
    const put = await request("PUT", `/transactions/1`, {
      events: [event("$1"), event("$2", { sender: 7 }), { type: "no room" }, event("$3", { type: "org.example.odd" })],
      ephemeral: typing,
      "de.sorunome.msc2409.ephemeral": typing,
      "de.sorunome.msc2409.to_device": "odd",
    });
    expect(put.status).toBe(200);
    expect(taken[0]?.events.map(({ eventId }) => eventId)).toEqual(["$1", "$3"]);
    expect(malformed).toHaveLength(2);
  });

  test("takes a transaction without events for one of none", async () => {
    expect((await request("PUT", `${transactions}/1`, { ephemeral: [] })).status).toBe(200);
    expect(taken).toEqual([{ txnId: "1", events: [] }]);
  });

  test("refuses what is no transaction, or more than one can be, and says what it was each time", async () => {
    expect((await request("PUT", `${transactions}/1`, "{")).status).toBe(400);
    expect((await request("PUT", `${transactions}/1`, { events: {} })).status).toBe(400);
    expect((await request("POST", `${transactions}/1`, {})).status).toBe(405);
    expect((await request("GET", "/elsewhere")).body).toMatchObject({ errcode: "M_UNRECOGNIZED" });
    const large = request("PUT", `${transactions}/1`, "x".repeat(33 * 1024 * 1024));
    // It may be cut off before it has been sent whole.
    expect(
      await large.then(
        ({ status }) => status,
        () => 413,
      ),
    ).toBe(413);
    expect(taken).toEqual([]);
    const remedy = expect.any(String);
    expect(refused).toEqual(
      ["NotATransaction", "NotATransaction", "BodyTooLarge"].map((name) => expect.objectContaining({ name, remedy })),
    );
  });

  test("answers a ping, and that it makes no users or rooms on request", async () => {
    expect((await request("POST", "/_matrix/app/v1/ping", { transaction_id: "p1" })).status).toBe(200);
    expect((await request("POST", "/_matrix/app/v1/ping", {})).status).toBe(200);
    expect(pings).toEqual(["p1", undefined]);
    for (const path of ["/_matrix/app/v1/users/%40agent_1%3Atest", "/rooms/%23agent_1%3Atest"])
      expect((await request("GET", path)).body).toMatchObject({ errcode: "M_NOT_FOUND" });
  });

  test("says so when its address is taken, or cannot be used", async () => {
    const listen = base.slice("http://".length);
    const options = { hsToken, onTransaction: async () => undefined };
    await expect(new TransactionListener({ ...options, listen }).start()).rejects.toThrow(AddressTaken);
    const strange = new TransactionListener({ ...options, listen: "192.0.2.1:29331" });
    await expect(strange.start()).rejects.toThrow(AddressUnusable);
  });
});
