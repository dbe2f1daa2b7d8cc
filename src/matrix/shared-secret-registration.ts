import { createHmac } from "node:crypto";
import { Method } from "matrix-js-sdk/lib/http-api/index.js";
import { z } from "zod";
import { DEVICE_DISPLAY_NAME, type SessionAnswer, sessionAnswer } from "./login.ts";
import type { Call, MatrixApi } from "./matrix-api.ts";
import { type Account, MatrixError } from "./port.ts";

const nonceAnswer = z.object({ nonce: z.string().min(1) });

const ENDPOINT = { prefix: "/_synapse/admin/v1", path: "/register" };

/** Synapse's registration by shared secret; other servers answer it too. The display name goes along. */
export async function registerBySharedSecret(
  secret: string,
  api: MatrixApi,
  account: Account,
  signal: AbortSignal,
): Promise<SessionAnswer> {
  try {
    return await attempt(secret, api, account, signal);
  } catch (error) {
    // A homeserver that restarted in between has forgotten its nonces, and nothing was registered.
    const isNonceForgotten = error instanceof MatrixError && error.kind === "refused" && /nonce/i.test(error.message);
    if (!isNonceForgotten) throw error;
    return attempt(secret, api, account, signal);
  }
}

async function attempt(secret: string, api: MatrixApi, account: Account, signal: AbortSignal): Promise<SessionAnswer> {
  const endpoint = {
    ...ENDPOINT,
    action: `registering ${account.localpart}`,
    remedies: {
      forbidden: "Set the configured shared secret to the homeserver's registration_shared_secret.",
      unsupported: "Let /_synapse/admin/v1/register through to the homeserver, or register by token instead.",
    },
  } satisfies Partial<Call>;
  const { nonce } = await api.call({ ...endpoint, method: Method.Get }, nonceAnswer, signal);
  const { localpart, password, deviceId, displayName } = account;
  const mac = createHmac("sha1", secret).update([nonce, localpart, password, "notadmin"].join("\0")).digest("hex");
  return api.call(
    {
      ...endpoint,
      method: Method.Post,
      body: {
        nonce,
        mac,
        username: localpart,
        password,
        admin: false,
        device_id: deviceId,
        initial_device_display_name: DEVICE_DISPLAY_NAME,
        displayname: displayName,
      },
    },
    sessionAnswer,
    signal,
  );
}
