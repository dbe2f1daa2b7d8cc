import { createHmac, randomBytes } from "node:crypto";
import { z } from "zod";

export interface MatrixUser {
  readonly userId: string;
  readonly password: string;
  readonly accessToken: string;
  readonly deviceId: string;
}

const nonceSchema = z.object({ nonce: z.string() });
const userSchema = z.object({ user_id: z.string(), access_token: z.string(), device_id: z.string() });

/** Registers a user, and logs in, by the homeserver's registration shared secret. */
export async function registerUser(
  homeserver: { readonly baseUrl: string; readonly registrationSharedSecret: string },
  localpart: string,
  options: { readonly password?: string; readonly admin?: boolean } = {},
): Promise<MatrixUser> {
  const url = `${homeserver.baseUrl}/_synapse/admin/v1/register`;
  const password = options.password ?? randomBytes(12).toString("base64url");
  const admin = options.admin ?? false;
  const { nonce } = nonceSchema.parse(await answer(localpart, await fetch(url)));
  const mac = createHmac("sha1", homeserver.registrationSharedSecret)
    .update([nonce, localpart, password, admin ? "admin" : "notadmin"].join("\0"))
    .digest("hex");
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ nonce, username: localpart, password, admin, mac }),
  });
  const user = userSchema.parse(await answer(localpart, response));
  return { userId: user.user_id, password, accessToken: user.access_token, deviceId: user.device_id };
}

async function answer(localpart: string, response: Response): Promise<unknown> {
  const text = await response.text();
  if (!response.ok) throw new Error(`registering ${localpart} failed: ${response.status} ${text.slice(0, 500)}`);
  return JSON.parse(text);
}
