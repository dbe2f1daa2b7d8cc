import type { CredentialVault } from "./actors/sessions.ts";
import type { Ports } from "./ports.ts";
import type { Host } from "./runtime/host.ts";

/** Users that an application service has made have no password, and nothing here could give them one. */
export class NoWayBack extends Error {
  override readonly name = "NoWayBack";
  readonly remedy =
    "Set homeserver.appservice.registration_file again. Or set homeserver.admin_token_file, by which the agents' users are given passwords, and take the registration out of the homeserver's configuration.";

  constructor() {
    super("agents' users were made by the application service that is configured no more, and cannot log in");
  }
}

const name = "transport";
const appservice = "appservice";

/** Notes by which way users are made from now on. Throws {@link NoWayBack}, and then nothing has changed. */
export async function enterTransport({ pushes, admin }: Ports, vault: CredentialVault): Promise<void> {
  const was = vault.get(name);
  if (pushes === undefined && was === appservice && admin === undefined) throw new NoWayBack();
  if (pushes !== undefined && was !== appservice) await vault.set(name, appservice);
}

/** Agents that were told what is said have to ask again, from what they have answered on. */
export async function leavePushes(
  { pushes }: Ports,
  vault: CredentialVault,
  host: Pick<Host, "list" | "accept">,
  server: string,
): Promise<void> {
  if (pushes !== undefined || vault.get(name) !== appservice) return;
  for await (const { id, value } of host.list(server, "agent"))
    if (Reflect.get(Object(value), "intake") === "pushed") await host.accept(id, { type: "LOOK_BACK" });
  await vault.delete(name);
}
