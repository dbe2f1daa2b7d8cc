import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { newRegistration, registrationYaml } from "../../src/config/registration-text.ts";
import { freePort } from "./free-port.ts";
import { type AppserviceRegistration, knownAs } from "./homeserver/appservice/registration.ts";

/** How the product hears what is said: its users poll, or the homeserver pushes. */
export const transportKinds = ["client-server", "appservice"] as const;
export type TransportKind = (typeof transportKinds)[number];

/** The one by which this run of a suite goes: TRANSPORT, which `.ci/run` has take turns by its seed, or else polling. */
export function transportOfRun({ TRANSPORT: named }: NodeJS.ProcessEnv = process.env): TransportKind {
  if (named === undefined || named === "") return "client-server";
  const found = transportKinds.find((kind) => kind === named);
  if (found === undefined) throw new Error(`TRANSPORT must be one of ${transportKinds.join(", ")}, not "${named}"`);
  return found;
}

/** The state in which an agent hears what is said, in the region `intake`. */
export const listening = { "client-server": "polling", appservice: "pushed" } as const satisfies Record<
  TransportKind,
  string
>;

/** Where a homeserver pushes to, and by what the two know each other. */
export interface PushAddress {
  readonly registration: AppserviceRegistration;
  readonly listen: string;
}

/** As `letta-matrix registration` would have it, at a free address. */
export async function newPushAddress(): Promise<PushAddress> {
  const listen = `127.0.0.1:${await freePort()}`;
  const given = { url: `http://${listen}`, serverName: "localhost", spaceAlias: "letta-agents" };
  return { registration: knownAs(newRegistration(given)), listen };
}

/** The address if it is needed. */
export async function pushAddressFor(transport: TransportKind): Promise<PushAddress | undefined> {
  return transport === "appservice" ? await newPushAddress() : undefined;
}

/** Writes the registration into the folder; gives what the product's configuration file says of it. */
export async function appserviceSection(dir: string, { registration, listen }: PushAddress) {
  const file = join(dir, "registration.yaml");
  await writeFile(file, registrationYaml(registration), { mode: 0o600 });
  return { registration_file: file, listen };
}
