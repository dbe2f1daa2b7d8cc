import { randomInt } from "node:crypto";
import { chmod, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Account, type Credentials, type Homeserver, type MatrixClient, MatrixError } from "../src/matrix/port.ts";

/** The person who talks to the agents. */
export interface Human {
  readonly userId: string;
  readonly password: string;
  /** Holds the access token of the demo's own session, for use with curl. */
  readonly tokenFile: string;
  readonly client: MatrixClient;
}

const humanLocalpart = "you";

/** Registers the person, or logs in where that has happened before. The password is kept in `folder`. */
export async function logInHuman(homeserver: Homeserver, folder: string, signal: AbortSignal): Promise<Human> {
  const password = await keptPassword(join(folder, "password"));
  // The same device at every start: else each would add one to the account.
  const account: Account = { localpart: humanLocalpart, password, deviceId: "DEMO", displayName: "You" };
  const credentials = await registerOrLogIn(homeserver, account, signal);
  const tokenFile = join(folder, "token");
  await writeSecret(tokenFile, credentials.accessToken);
  return { userId: credentials.userId, password, tokenFile, client: homeserver.as(credentials) };
}

async function registerOrLogIn(homeserver: Homeserver, account: Account, signal: AbortSignal): Promise<Credentials> {
  try {
    return await homeserver.register(account, signal);
  } catch (error) {
    if (error instanceof MatrixError && error.kind === "taken") return homeserver.login(account, signal);
    throw error;
  }
}

async function keptPassword(file: string): Promise<string> {
  const kept = await readFile(file, "utf8").catch(() => "");
  if (kept !== "") return kept;
  const password = newPassword();
  await writeSecret(file, password);
  return password;
}

export async function writeSecret(file: string, secret: string): Promise<void> {
  await writeFile(file, secret, { mode: 0o600 });
  // A file that was there already has kept its mode.
  await chmod(file, 0o600);
}

/** Easy to type: 16 letters of 22, which is 71 bits. */
function newPassword(): string {
  const letters = "abcdefghjkmnpqrstuvwxyz";
  const group = () => Array.from({ length: 4 }, () => letters[randomInt(letters.length)]).join("");
  return [group(), group(), group(), group()].join("-");
}
