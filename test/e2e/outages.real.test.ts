import { transportOfRun } from "../servers/transports.ts";
import { commandsKilled } from "./cases/commands-killed.ts";
import { outages } from "./cases/outage.ts";
import { oneAfterTheOther } from "./together.ts";

oneAfterTheOther("people and agents, while Letta goes away and the program is killed", {
  transport: transportOfRun(),
  cases: [outages, commandsKilled],
  people: { people: 3, secondClients: 0 },
});
