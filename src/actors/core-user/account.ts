import { localpartOf } from "../../machines/addresses.ts";
import type { coreUserMachine, Presence } from "../../machines/core-user.ts";
import { type Account, type Credentials, MatrixError } from "../../matrix/port.ts";
import type { ChildEffects } from "../../runtime/effect.ts";
import type { CoreUserOptions } from "./options.ts";

type CoreUserEffects = ChildEffects<typeof coreUserMachine>;

const forgotten = "forgotten";

/**
 * Creates the user, or logs it in. One that exists with another password than ours or the configured one is somebody's
 * own: it is left alone, and its password is never changed.
 */
export function ensureUser(options: CoreUserOptions): CoreUserEffects["ensureUser"] {
  const { sessions, wanted, care } = options;
  return async ({ userId, renew }, { signal, checkpointed, checkpoint }): Promise<Presence> => {
    if (!wanted.has(userId)) return "unwanted";
    if (renew && checkpointed !== forgotten) {
      await sessions.forget(userId);
      await checkpoint(forgotten);
    }
    if (!sessions.isLoggedIn(userId)) {
      const { session, malformed } = await administrators(options, signal);
      const credentials = session?.userId === userId ? session : await own(options, userId, signal);
      // It may be the administrator, whom nobody could tell.
      if (credentials === undefined && malformed !== undefined) throw malformed;
      if (credentials === undefined) return "theirs";
      await sessions.keep(credentials);
    }
    await care?.exempt(userId, signal);
    return "ours";
  };
}

/** The configured administrator's session, if there is one: garbage for an answer keeps no other user from its own. */
async function administrators(
  { admin }: CoreUserOptions,
  signal: AbortSignal,
): Promise<{ readonly session?: Credentials; readonly malformed?: MatrixError }> {
  if (admin === undefined) return {};
  try {
    return { session: await admin.session(signal) };
  } catch (error) {
    if (!(error instanceof MatrixError)) throw error;
    // What is wrong with the administrator's token is told where it is needed.
    if (error.kind === "forbidden") return {};
    if (error.kind === "malformed") return { malformed: error };
    throw error;
  }
}

async function own(options: CoreUserOptions, userId: string, signal: AbortSignal): Promise<Credentials | undefined> {
  const { homeserver, identity, passwords, wanted } = options;
  const configured = wanted.get(userId)?.password;
  const account: Account = {
    localpart: localpartOf(userId),
    password: configured ?? identity.passwordOf(userId),
    deviceId: identity.deviceIdOf(userId),
  };
  const credentials = await registerOrLogIn();
  // Before the session is kept: a crash in between must not lose it for the people it is for.
  if (credentials !== undefined && configured === undefined) await passwords.add(userId, account.password);
  return credentials;

  async function registerOrLogIn(): Promise<Credentials | undefined> {
    try {
      return await homeserver.register(account, signal);
    } catch (error) {
      if (!(error instanceof MatrixError && error.kind === "taken")) throw error;
    }
    try {
      return await homeserver.login(account, signal);
    } catch (error) {
      if (!(error instanceof MatrixError && error.kind === "forbidden")) throw error;
      if (configured === undefined) return undefined;
      throw new MatrixError("forbidden", `the configured password of ${userId} is not the one it has`, {
        remedy: "Correct it under core_users in the configuration, or leave it out: then the user is only invited.",
        cause: error,
      });
    }
  }
}
