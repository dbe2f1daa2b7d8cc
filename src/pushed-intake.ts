import type { ActorOptions } from "./actor-options.ts";
import { remembered } from "./actors/agent/look.ts";
import { arrivalOf } from "./actors/feed/arrival.ts";
import { Attendance } from "./actors/feed/attendance.ts";
import { Company } from "./actors/feed/company.ts";
import { Echo } from "./actors/feed/echo.ts";
import { Feed } from "./actors/feed/feed.ts";
import { Looks } from "./actors/feed/looks.ts";
import { Pulse } from "./actors/feed/pulse.ts";
import { Residents } from "./actors/feed/residents.ts";
import type { Sessions } from "./actors/sessions.ts";
import type { TransportStatus } from "./commands/status/schema.ts";
import { isAgentUser, serverOfUser } from "./machines/addresses.ts";
import { type Pushes, ReachedSomebodyElse, type Transaction } from "./matrix/port.ts";
import type { Clock } from "./runtime/clock.ts";
import type { ReopeningStore } from "./runtime/embedded/reopening-store.ts";
import { StoredBacklog } from "./runtime/embedded/stored-backlog.ts";
import type { Host } from "./runtime/host.ts";
import type { ChildSpec } from "./runtime/supervisor.ts";
import { startWhole } from "./runtime/whole.ts";
import type { Logger } from "./telemetry/logger.ts";

export interface PushedIntakeOptions {
  readonly pushes: Pushes;
  readonly host: Host;
  readonly sessions: Sessions;
  readonly store: ReopeningStore;
  readonly options: ActorOptions;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Where the homeserver pushes what is said: what gives it to the actors, and how it is started. */
export interface PushedIntake {
  /** Before the actors, so that of two processes the second one does nothing. */
  readonly listener: ChildSpec;
  /** After the actors. */
  readonly feed: ChildSpec;
  readonly status: () => TransportStatus;
}

/** For the homeserver's word at the start, ms: one that takes longer is asked again once all runs. */
const startPatience = 5_000;

/**
 * Throws {@link ReachedSomebodyElse}: of two processes with one registration, on whatever machines, the second is to do
 * nothing. Whatever else keeps the homeserver from reaching us passes, and keeps nobody from starting.
 */
async function assertReached(pushes: Pushes, signal: AbortSignal): Promise<void> {
  try {
    await pushes.ping(AbortSignal.any([signal, AbortSignal.timeout(startPatience)]));
  } catch (error) {
    if (error instanceof ReachedSomebodyElse) throw error;
  }
}

export function pushedIntake({
  pushes,
  host,
  sessions,
  store,
  options,
  clock,
  logger,
}: PushedIntakeOptions): PushedIntake {
  const { rooms, commands } = options;
  const residents = new Residents(host, rooms.server);
  const attendance = new Attendance(sessions, residents, rooms.botUserId, clock);
  // What an agent imports was said long ago.
  const isByItsClock = (sender: string): boolean => serverOfUser(sender) === rooms.server && !isAgentUser(sender);
  const looks = new Looks({ host, residents, clock });
  const feed = new Feed({
    host,
    backlog: new StoredBacklog(store),
    residents,
    attendance,
    looks,
    clock,
    understanding: () => ({
      core: new Set([...rooms.admins, ...rooms.readers]),
      commanders: commands.people,
      knownSince: Math.max(store.madeAt, clock.now() - remembered),
    }),
    onWaiting: (actor, err) => logger.warn({ actor, err }, "what was said to an agent waits until it can take it"),
  });
  const echo = new Echo({
    clock,
    ask: () => pulse.ask(),
    isReached: () => pulse.reach.state === "reached" || pulse.reach.state === "unasked",
    look: ({ userId, roomId, eventId }, signal) => sessions.as(userId).event(roomId, eventId, signal),
    onLost: () => pulse.lost(),
  });
  const pulse = new Pulse({
    pushes,
    company: new Company({ sessions, residents, clock }),
    clock,
    doubt() {
      attendance.forget();
      looks.owe();
    },
    settle: () => looks.settle(),
    lookBack: (signal) => looks.all((actor, delivery) => feed.tell(actor, delivery), signal),
    open() {
      const take = async (transaction: Transaction): Promise<void> => {
        echo.heard(transaction.events.map(({ eventId }) => eventId));
        const newest = transaction.events.at(-1);
        pulse.heard(newest && arrivalOf(newest, clock.now()), newest !== undefined && isByItsClock(newest.sender));
        await feed.take(transaction);
        pulse.taken();
      };
      const refused = (): void => {
        echo.heard();
        pulse.refused();
      };
      pushes.deliverTo(take, refused, (sent) => echo.sent(sent));
    },
    onChange: (reach) =>
      reach.state === "unreached"
        ? logger.error({ reach }, "the homeserver cannot push to us")
        : logger.info({ reach }, "the homeserver pushes to us"),
  });
  return {
    status: () => {
      const { state: reach, ...rest } = pulse.reach;
      return { kind: "appservice", reach, ...rest };
    },
    listener: {
      id: "listener",
      restart: "permanent",
      async start({ signal }) {
        const stop = () => pushes.close();
        await pushes.listen();
        await startWhole(() => assertReached(pushes, signal), stop);
        return { stop };
      },
      shutdown: 5_000,
    },
    feed: {
      id: "feed",
      restart: "permanent",
      async start({ signal }) {
        const stop = () => feed.stop();
        await startWhole(() => feed.start(), stop);
        const ended = Promise.race([pulse.run(signal), echo.run(signal)]).catch((error: unknown) => {
          if (!signal.aborted) throw error;
        });
        return { ended, stop };
      },
      shutdown: 5_000,
    },
  };
}
