import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { AppservicePushes } from "../../../src/matrix/appservice/pushes.ts";
import { freePort } from "../../servers/free-port.ts";

let pushes: AppservicePushes;
let refused: unknown[];
let address: string;

beforeEach(async () => {
  refused = [];
  address = `127.0.0.1:${await freePort()}`;
  pushes = new AppservicePushes({
    id: "letta-matrix",
    listen: address,
    hsToken: "hs",
    api: { call: () => Promise.reject(new Error("nothing is asked here")) },
    onRefused: (error) => refused.push(error),
  });
  await pushes.listen();
});

afterEach(() => pushes.close());

async function put(body: string): Promise<number> {
  const headers = { authorization: "Bearer hs" };
  const url = `http://${address}/_matrix/app/v1/transactions/1`;
  return (await fetch(url, { method: "PUT", headers, body })).status;
}

describe("what the homeserver pushes", () => {
  test("comes again, and that is told, whether it could not be taken or not even be read", async () => {
    let again = 0;
    pushes.deliverTo(
      () => Promise.reject(new Error("the disk is full")),
      () => again++,
    );
    expect([await put(JSON.stringify({ events: [] })), await put("cut in the mid")]).toEqual([503, 400]);
    expect(again).toBe(2);
    expect(refused).toMatchObject([{ message: "the disk is full" }, { name: "NotATransaction" }]);
  });

  test("and what our users say meanwhile is told to who takes it", () => {
    const sent = { userId: "@agent_1:test", roomId: "!1:test", eventId: "$1" };
    pushes.sent(sent);
    const told: unknown[] = [];
    pushes.deliverTo(
      async () => undefined,
      () => undefined,
      (one) => told.push(one),
    );
    pushes.sent(sent);
    expect(told).toEqual([sent]);
  });

  test("is refused until somebody takes it, which is no trouble that anybody is told of", async () => {
    expect(await put(JSON.stringify({ events: [] }))).toBe(503);
    expect(refused).toEqual([]);
  });
});
