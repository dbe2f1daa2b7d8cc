import { transportOfRun } from "../servers/transports.ts";
import { type Backlog, backlogs, leaveBacklog } from "./cases/backlog.ts";
import { crowd } from "./cases/crowd.ts";
import { sideBySide } from "./together.ts";

let left: Backlog | undefined;
const backlog = (): Backlog => {
  if (left === undefined) throw new Error("the program was not restarted");
  return left;
};

sideBySide("people who have much to say to many agents", {
  before: async (world) => {
    left = await leaveBacklog(world);
  },
  transport: transportOfRun(),
  cases: [crowd, (world, transport) => backlogs(world, backlog, transport)],
  people: { people: 3, secondClients: 0 },
});
