import { isLastWord } from "./actors/last-word.ts";
import type { CredentialVault, Sessions } from "./actors/sessions.ts";
import { agentOf, agentUserId } from "./machines/addresses.ts";
import type { HomeserverAdmin } from "./matrix/port.ts";
import type { Backlog } from "./runtime/backlog.ts";
import type { Host } from "./runtime/host.ts";

/** Users that an application service has made have no password, and nothing here could give them one. */
export class NoWayBack extends Error {
  override readonly name = "NoWayBack";
  readonly remedy =
    "Set homeserver.appservice.registration_file again. Or set homeserver.admin_token_file to the token of a server administrator of Synapse, by which the agents' users are given passwords, and take the registration out of the homeserver's configuration.";

  constructor(userId: string, reason: string, options?: ErrorOptions) {
    super(
      `users such as ${userId} belong to the application service that is configured no more, and cannot log in: ${reason}`,
      options,
    );
  }
}

const name = "transport";
const appservice = "appservice";
/** For the administrator's word at the start, ms. */
const patience = 10_000;

/** By which way users are made: by the application service where the homeserver pushes. */
export interface Transport {
  readonly pushes?: object;
  readonly admin?: Pick<HomeserverAdmin, "exists">;
}

/** Notes by which way users are made from now on. Throws {@link NoWayBack}, and then nothing has changed. */
export async function enterTransport(
  { pushes, admin }: Transport,
  vault: CredentialVault,
  sessions: Pick<Sessions, "withoutToken">,
): Promise<void> {
  const was = vault.get(name);
  if (pushes !== undefined) {
    if (was !== appservice) await vault.set(name, appservice);
    return;
  }
  if (was !== appservice) return;
  for await (const userId of sessions.withoutToken()) return assertWayBack(admin, userId);
}

/** Whether an administrator can have this user log in, and so all others. Who does not answer now may do so later. */
async function assertWayBack(admin: Transport["admin"], userId: string): Promise<void> {
  if (admin === undefined) throw new NoWayBack(userId, "there is no administrator's token to give them passwords by");
  try {
    await admin.exists(userId, AbortSignal.timeout(patience));
  } catch (cause) {
    if (isLastWord(cause)) throw new NoWayBack(userId, cause.message, { cause });
  }
}

/** What there is of the agents when the homeserver is to push no more. */
export interface Leaving {
  readonly host: Pick<Host, "list" | "accept">;
  readonly sessions: Pick<Sessions, "withoutToken" | "end">;
  readonly backlog: Pick<Backlog, "counts" | "clear">;
}

/**
 * Agents that were told what is said have to ask again, from what they have answered on. What waits for them is in the rooms,
 * unless its author took it back: it is forgotten, but not before each is certain to look there. The note goes only when all
 * have logged in: until then the next start, too, has to ask whether they can.
 */
export async function leavePushes(
  { pushes }: Transport,
  vault: CredentialVault,
  { host, sessions, backlog }: Leaving,
  server: string,
): Promise<void> {
  if (pushes !== undefined || vault.get(name) !== appservice) return;
  for await (const { id, value } of host.list(server, "agent")) {
    const { intake, life } = { intake: undefined, life: undefined, ...Object(value) };
    if (intake === "pushed") await host.accept(id, { type: "LOOK_BACK" });
    // Who is gone need not log in.
    if (life === "retired") await sessions.end(agentUserId(server, agentOf(id)));
  }
  for (const actor of [...(await backlog.counts()).keys()]) await backlog.clear(actor);
  for await (const _ of sessions.withoutToken()) return;
  await vault.delete(name);
}
