import { newRegistration } from "../../src/config/registration-text.ts";
import { freePort } from "../servers/free-port.ts";
import { type AppserviceRegistration, knownAs } from "../servers/homeserver/appservice/registration.ts";

/** How the product hears what is said: its users poll, or the homeserver pushes. */
export const transportKinds = ["client-server", "appservice"] as const;
export type TransportKind = (typeof transportKinds)[number];

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
