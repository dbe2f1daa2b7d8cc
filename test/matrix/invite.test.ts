import { afterEach, expect, it } from "vitest";
import { ClientServerHomeserver } from "../../src/matrix/client-server.ts";
import { answerJson, type OddServer, startOddServer } from "./odd-server.ts";

const never = new AbortController().signal;
const notFound = [404, { errcode: "M_NOT_FOUND", error: "Event not found." }] as const;
const forbidden = [403, { errcode: "M_FORBIDDEN", error: "@human:test is already in the room." }] as const;

let odd: OddServer;
let homeserver: ClientServerHomeserver;
afterEach(async () => {
  homeserver.close();
  await odd.stop();
});

/** Invites while the homeserver answers like this, one request after the other. */
async function invite(...answers: readonly (readonly [number, object])[]): Promise<void> {
  odd = await startOddServer((_request, response, n) => answerJson(response, ...(answers[n - 1] ?? [500, {}])));
  const registration = { kind: "token", token: "" } as const;
  homeserver = new ClientServerHomeserver({ baseUrl: odd.baseUrl, serverName: "test", registration });
  const client = homeserver.as({ userId: "@agent:test", deviceId: "DEV", accessToken: "token" });
  await client.invite("!room", "@human:test", never);
}

const methods = () => odd.requests.map(({ method }) => method);

it.each(["join", "invite"])("sends no invitation to who has membership %s", async (membership) => {
  await invite([200, { membership }]);
  expect(methods()).toEqual(["GET"]);
});

it.each(["leave", "knock", "unheard-of"])("sends one to who has membership %s", async (membership) => {
  await invite([200, { membership }], [200, {}]);
  expect(odd.requests.at(-1)).toMatchObject({ method: "POST", body: '{"user_id":"@human:test"}' });
});

it("has succeeded when somebody else invited first, or the user joined meanwhile", async () => {
  await invite(notFound, forbidden, [200, { membership: "join" }]);
  expect(methods()).toEqual(["GET", "POST", "GET"]);
});

it.each([[notFound], [[200, { membership: "ban" }] as const]])(
  "fails when the user is not in the room: %j",
  async (now) => {
    await expect(invite(now, forbidden, now)).rejects.toMatchObject({ kind: "forbidden" });
  },
);

it("fails when the membership cannot be read, without inviting", async () => {
  await expect(invite([503, {}])).rejects.toMatchObject({ kind: "unreachable" });
  expect(methods()).toEqual(["GET"]);
});
