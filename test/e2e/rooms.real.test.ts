import { transportOfRun } from "../servers/transports.ts";
import { doctor } from "./cases/doctor.ts";
import { edits } from "./cases/edits.ts";
import { foreignTurns } from "./cases/foreign.ts";
import { guests } from "./cases/guests.ts";
import { homes } from "./cases/homes.ts";
import { hostile } from "./cases/hostile.ts";
import { longAnswers } from "./cases/long.ts";
import { places } from "./cases/places.ts";
import { reload } from "./cases/reload.ts";
import { repeats } from "./cases/repeats.ts";
import { sideBySide } from "./together.ts";

sideBySide("people and agents who do what is unusual", {
  transport: transportOfRun(),
  cases: [edits, places, repeats, longAnswers, foreignTurns, guests, homes, hostile, reload, doctor],
  people: { people: 4, secondClients: 0 },
});
