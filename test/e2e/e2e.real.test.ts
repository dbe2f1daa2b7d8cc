import { commands } from "./cases/commands.ts";
import { newcomer } from "./cases/newcomer.ts";
import { silence } from "./cases/silence.ts";
import { streaming } from "./cases/streaming.ts";
import { trouble } from "./cases/trouble.ts";
import { sideBySide } from "./together.ts";

sideBySide("people and agents on a real Synapse and a real Letta", {
  // What waits longest begins first.
  cases: [trouble, newcomer, streaming, commands, silence],
  people: { people: 3, secondClients: 2 },
});
