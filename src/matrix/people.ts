import { Method } from "matrix-js-sdk/lib/http-api/index.js";
import { z } from "zod";
import { sessionAnswer } from "./login.ts";
import type { MatrixApi } from "./matrix-api.ts";
import type { Credentials, PersonalAccounts } from "./port.ts";

/** Whose session it is that a call is made with. */
export const whoamiAnswer = z.object({ user_id: z.string().startsWith("@"), device_id: z.string().default("") });

/** People's sessions, by the endpoints that their own clients use. */
export class ClientServerPeople implements PersonalAccounts {
  readonly #apiFor: (accessToken?: string) => MatrixApi;

  constructor(apiFor: (accessToken?: string) => MatrixApi) {
    this.#apiFor = apiFor;
  }

  async logIn(userId: string, password: string, deviceName: string, signal: AbortSignal): Promise<Credentials> {
    const answer = await this.#apiFor().call(
      {
        action: `logging in ${userId}`,
        method: Method.Post,
        path: "/login",
        remedies: { forbidden: "Check the user id and the password." },
        body: {
          type: "m.login.password",
          identifier: { type: "m.id.user", user: userId },
          password,
          initial_device_display_name: deviceName,
        },
      },
      sessionAnswer,
      signal,
    );
    return { userId: answer.user_id, deviceId: answer.device_id, accessToken: answer.access_token };
  }

  async ownerOf(accessToken: string, signal: AbortSignal): Promise<Credentials> {
    const answer = await this.#apiFor(accessToken).call(
      { action: "asking whose token it is", method: Method.Get, path: "/account/whoami" },
      whoamiAnswer,
      signal,
    );
    return { userId: answer.user_id, deviceId: answer.device_id, accessToken };
  }
}
