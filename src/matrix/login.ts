import { Method } from "matrix-js-sdk/lib/http-api/index.js";
import { z } from "zod";
import type { MatrixApi } from "./matrix-api.ts";
import { type Account, type Credentials, MatrixError } from "./port.ts";

/** What /login and both ways to register answer. */
export const sessionAnswer = z.object({
  user_id: z.string().startsWith("@"),
  device_id: z.string().min(1),
  access_token: z.string().min(1),
});

export type SessionAnswer = z.infer<typeof sessionAnswer>;

export async function logIn(api: MatrixApi, account: Account, signal: AbortSignal): Promise<SessionAnswer> {
  return api.call(
    {
      action: `logging in as ${account.localpart}`,
      method: Method.Post,
      path: "/login",
      remedies: {
        forbidden:
          "Its password is not the one of this installation: restore the instance secret, or set " +
          "homeserver.admin_token, so that the password is reset.",
      },
      body: {
        type: "m.login.password",
        identifier: { type: "m.id.user", user: account.localpart },
        password: account.password,
        device_id: account.deviceId,
        initial_device_display_name: DEVICE_DISPLAY_NAME,
      },
    },
    sessionAnswer,
    signal,
  );
}

export const DEVICE_DISPLAY_NAME = "letta-matrix";

/** Checks that the session is the one that was asked for: another server's user would be a stranger's. */
export function toCredentials(answer: SessionAnswer, account: Account, serverName: string): Credentials {
  const userId = `@${account.localpart}:${serverName}`;
  if (answer.user_id.toLowerCase() !== userId.toLowerCase()) {
    throw new MatrixError("malformed", `the homeserver calls ${userId} ${answer.user_id}`, {
      remedy: "Set the homeserver's server name in the configuration to the part after the colon in its user ids.",
    });
  }
  return { userId: answer.user_id, deviceId: answer.device_id, accessToken: answer.access_token };
}
