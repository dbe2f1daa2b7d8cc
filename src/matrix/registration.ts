import type { SessionAnswer } from "./login.ts";
import type { MatrixApi } from "./matrix-api.ts";
import type { Account } from "./port.ts";
import { registerBySharedSecret } from "./shared-secret-registration.ts";
import { registerByToken } from "./token-registration.ts";

/** How this installation may create users: what the homeserver's operator gave it. Both are secrets. */
export type Registration =
  /** `registration_shared_secret`, for Synapse's admin endpoint, which only has to be reachable from here. */
  | { readonly kind: "shared-secret"; readonly secret: string }
  /** A registration token, for the specification's own way. */
  | { readonly kind: "token"; readonly token: string };

export function register(
  registration: Registration,
  api: MatrixApi,
  account: Account,
  signal: AbortSignal,
): Promise<SessionAnswer> {
  switch (registration.kind) {
    case "shared-secret":
      return registerBySharedSecret(registration.secret, api, account, signal);
    case "token":
      return registerByToken(registration.token, api, account, signal);
  }
}
