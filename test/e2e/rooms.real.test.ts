import { type Backlog, backlogs, leaveBacklog } from "./cases/backlog.ts";
import { crowd } from "./cases/crowd.ts";
import { doctor } from "./cases/doctor.ts";
import { edits } from "./cases/edits.ts";
import { foreignTurns } from "./cases/foreign.ts";
import { guests } from "./cases/guests.ts";
import { homes } from "./cases/homes.ts";
import { hostile } from "./cases/hostile.ts";
import { longAnswers } from "./cases/long.ts";
import { reload } from "./cases/reload.ts";
import { sideBySide } from "./side-by-side.ts";

let left: Backlog | undefined;
const backlog = (): Backlog => {
  if (left === undefined) throw new Error("the program was not restarted");
  return left;
};

sideBySide("people and agents who have much to say, or who do what is unusual", {
  before: async (world) => {
    left = await leaveBacklog(world);
  },
  cases: [
    crowd,
    (world) => backlogs(world, backlog),
    edits,
    longAnswers,
    foreignTurns,
    guests,
    homes,
    hostile,
    reload,
    doctor,
  ],
  people: { people: 4, secondClients: 0 },
});
