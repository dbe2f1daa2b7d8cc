import { expect, it } from "vitest";
import { failure, never, newRoom, newUser, type ServerUnderContract, sendText } from "./server.ts";

/** Far more than any server allows at once. */
const MANY = 60;

/** For servers that limit these by default. */
export function rateLimitsContract(server: () => ServerUnderContract): void {
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
    expect(error.retryAfterMs).toBeGreaterThan(1_000);

    async function logInUntilLimited(): Promise<void> {
      for (let n = 0; n < MANY; n++) await server().homeserver.login(user.account, never);
    }
  });
}
