import type { TransportKind } from "../servers/transports.ts";
import { commands } from "./cases/commands.ts";
import { newcomer } from "./cases/newcomer.ts";
import { silence } from "./cases/silence.ts";
import { streaming } from "./cases/streaming.ts";
import { trouble } from "./cases/trouble.ts";
import { sideBySide } from "./together.ts";

/** What people and agents do with each other every day, and what everybody may meet. */
export function everyday(transport: TransportKind): void {
  sideBySide("people and agents on a real Synapse and a real Letta", {
    transport,
    // What waits longest begins first.
    cases: [trouble, newcomer, streaming, commands, silence],
    people: { people: 3, secondClients: transport === "appservice" ? 1 : 2 },
  });
}
