import { transportOfRun } from "../servers/transports.ts";
import { restarts } from "./cases/restart.ts";
import { restores } from "./cases/restored.ts";
import { oneAfterTheOther } from "./together.ts";

oneAfterTheOther("people and agents, while the program is restarted, also with an older store", {
  transport: transportOfRun(),
  cases: [restarts, (world) => restores(world)],
  // The agent that was made after the backup, at each of the two restores.
  people: { people: 3, secondClients: 0, forgotten: 2 },
});
