import { commands } from "./cases/commands.ts";
import { newcomer } from "./cases/newcomer.ts";
import { places } from "./cases/places.ts";
import { repeats } from "./cases/repeats.ts";
import { silence } from "./cases/silence.ts";
import { streaming } from "./cases/streaming.ts";
import { trouble } from "./cases/trouble.ts";
import { sideBySide } from "./side-by-side.ts";

sideBySide("people and agents on a real Synapse and a real Letta", {
  cases: [newcomer, streaming, commands, silence, places, repeats, trouble],
  people: { people: 3, secondClients: 2 },
});
