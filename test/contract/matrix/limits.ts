import { expect, it } from "vitest";
import type { HomeserverOddities } from "../../servers/homeserver/oddities.ts";
import { failure, never, newRoom, newUser, type PortUnderContract, sendText } from "./server.ts";

/** Far more than any server allows at once. */
const MANY = 60;

/** What servers limit by default, if they limit anything. */
export function rateLimitsContract(
  server: () => PortUnderContract,
  { rateLimits }: Pick<HomeserverOddities, "rateLimits">,
): void {
  if (rateLimits === "none") {
    it("lets everybody send and log in as often as they like", async () => {
      const user = await newUser(server());
      const room = await newRoom(user);
      for (let n = 0; n < MANY; n++) await sendText(user, room, `message ${n}`, `txn ${n}`);
      for (let n = 0; n < MANY; n++) await server().homeserver.login(user.account, never);
    });
    return;
  }

  it("says how long to wait when too much is sent", async () => {
    const user = await newUser(server());
    const room = await newRoom(user);
    const error = await failure(sendUntilLimited());
    expect(error).toMatchObject({ kind: "limited", httpStatus: 429, errcode: "M_LIMIT_EXCEEDED" });
    expect(error.retryAfterMs).toBeGreaterThan(0);
    expect(error.retryAfterMs).toBeLessThan(60_000);

    async function sendUntilLimited(): Promise<void> {
      for (let n = 0; n < MANY; n++) await sendText(user, room, `message ${n}`, `txn ${n}`);
    }
  });

  it("says how long to wait when somebody logs in too often", async () => {
    const user = await newUser(server());
    const error = await failure(logInUntilLimited());
    expect(error).toMatchObject({ kind: "limited", httpStatus: 429 });
    const [least, most] = rateLimits === "synapse" ? [1_000, 3_600_000] : [1, 1_000];
    expect(error.retryAfterMs).toBeGreaterThanOrEqual(least);
    expect(error.retryAfterMs).toBeLessThanOrEqual(most);

    async function logInUntilLimited(): Promise<void> {
      for (let n = 0; n < MANY; n++) await server().homeserver.login(user.account, never);
    }
  });
}
