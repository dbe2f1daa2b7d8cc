import { Attendance } from "../../../src/actors/feed/attendance.ts";
import { Feed } from "../../../src/actors/feed/feed.ts";
import { Looks } from "../../../src/actors/feed/looks.ts";
import { Residents } from "../../../src/actors/feed/residents.ts";
import type { ActorId } from "../../../src/runtime/actor-id.ts";
import { Store } from "../../../src/runtime/embedded/store.ts";
import { StoredBacklog } from "../../../src/runtime/embedded/stored-backlog.ts";
import type { MemoryDatabase } from "../../runtime/memory-database.ts";
import type { SimulatedClock } from "../../runtime/simulated-clock.ts";
import type { Actors } from "./actors.ts";

export interface Feeding {
  readonly actors: Actors;
  readonly clock: SimulatedClock;
  readonly database: MemoryDatabase;
  readonly members: Readonly<Record<string, string[] | Error>>;
  /** In which rooms each user is, as it is told itself. */
  readonly rooms: Readonly<Record<string, string[] | Error>>;
  /** Who was asked about which room. */
  readonly asked: string[];
  /** Of whose trouble was told. */
  readonly told: ActorId[];
  /** What was said up to then may be forgotten, ms since the epoch. */
  readonly knownSince: () => number;
  /** Called each time that what is held for an agent was read, before that is given to it. */
  readonly onRead: () => void;
}

export function feedOf({ actors, clock, database, members, rooms, asked, told, knownSince, onRead }: Feeding) {
  const store = new Store(database, () => undefined);
  const residents = new Residents(actors.host, "test");
  const looks = new Looks({ host: actors.host, residents, clock });
  const client = (userId: string) => ({
    at: () => client(userId),
    joinedMembers: async (roomId: string) => {
      asked.push(`${userId} ${roomId}`);
      const known = members[roomId] ?? [];
      if (known instanceof Error) throw known;
      return known;
    },
    joinedRooms: async () => {
      const known = rooms[userId] ?? [];
      if (known instanceof Error) throw known;
      return known;
    },
  });
  const backlog = new StoredBacklog({ current: store });
  const first = backlog.first.bind(backlog);
  backlog.first = async (actor) => {
    const next = await first(actor);
    onRead();
    return next;
  };
  const feed = new Feed({
    host: actors.host,
    backlog,
    residents,
    looks,
    attendance: new Attendance({ as: client, isLoggedIn: () => true }, residents, "@letta-matrix:test", clock),
    clock,
    understanding: () => ({
      core: new Set(["@admin:test"]),
      commanders: new Set(["@anna:test"]),
      knownSince: knownSince(),
    }),
    onWaiting: (actor) => told.push(actor),
  });
  return { feed, looks, backlog };
}
