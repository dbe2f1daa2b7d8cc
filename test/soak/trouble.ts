import { setTimeout as sleep } from "node:timers/promises";
import type { Random } from "../crash/random.ts";
import { httpFaults, matrixFaults } from "../faults/http-faults.ts";
import type { HttpFault } from "../faults/http-proxy.ts";
import { socketFaults } from "../faults/socket-faults.ts";
import type { SocketFault } from "../faults/socket-proxy.ts";
import type { Neighbourhood } from "../neighbours/neighbourhood.ts";

/** What any request to the homeserver may suffer. */
const onHomeserver: readonly HttpFault[] = Object.values({ ...httpFaults, ...matrixFaults });
/** What a message to Letta may suffer without Letta's saying that it does not want us: people would be told so. */
const { "401": _, "403": __, ...passing } = socketFaults;
const onLetta: readonly SocketFault[] = [
  passing["429 with retry time"],
  passing["502 with HTML"],
  passing["cut in the body"],
  passing["refused for minutes"],
];

/** How long a fault lies in wait, ms. */
const longestWait = 1_500;

export interface TroubleOptions {
  readonly street: Neighbourhood;
  readonly random: Random;
  /** Starts the program once more. */
  readonly revive: () => Promise<void>;
  /** How long the first process of the program is let live, ms. */
  readonly firstLife: number;
  /** How long each later one lives at least and at most, ms. */
  readonly life: readonly [number, number];
  readonly signal: AbortSignal;
}

/** Random faults and kills, one after the other of each kind, until the signal. */
export class Trouble {
  readonly #options: TroubleOptions;
  faults = 0;
  kills = 0;

  constructor(options: TroubleOptions) {
    this.#options = options;
  }

  async make(): Promise<void> {
    const { random, firstLife, life } = this.#options;
    const [faults, servers, lives] = [random.fork(), random.fork(), random.fork()];
    await Promise.all([
      this.#again(faults, [1_000, 4_000], () => this.#spoil(faults)),
      this.#again(servers, [60_000, 120_000], () => this.#killServer(servers)),
      this.#again(lives, life, () => this.#killProgram(lives), firstLife),
    ]);
  }

  async #again(
    random: Random,
    [least, most]: readonly [number, number],
    happen: () => Promise<void>,
    first = random.int(least, most),
  ): Promise<void> {
    const { signal } = this.#options;
    for (let wait = first; ; wait = random.int(least, most)) {
      await sleep(wait, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return;
      await happen();
    }
  }

  /** Lies in wait for one request, whosever it is, and not for long: else all that come out of a trouble meet the next. */
  async #spoil(random: Random): Promise<void> {
    const lift = this.#layFor(random);
    await sleep(longestWait);
    lift();
  }

  #layFor(random: Random): () => void {
    const { street } = this.#options;
    let isDue = true;
    const take = (): boolean => {
      const isTaken = isDue;
      isDue = false;
      if (isTaken) this.faults++;
      return isTaken;
    };
    if (random.chance(0.2)) {
      const fault = random.pick(onLetta);
      const lift = street.socket.set({
        takes: ({ type }) => type === "input" && take(),
        fault(caught) {
          lift();
          street.killed("letta");
          fault(caught);
        },
      });
      return lift;
    }
    const fault = random.pick(onHomeserver);
    const part = random.pick(["/send/", "/sync", "/typing/", "/_matrix/"]);
    const lift = street.proxy.set({
      takes: ({ path }) => path.includes(part) && take(),
      fault(caught) {
        lift();
        return fault(caught);
      },
    });
    return lift;
  }

  async #killServer(random: Random): Promise<void> {
    const { homeserver, letta } = this.#options.street.world;
    const [kind, server] = random.pick([["synapse", homeserver] as const, ["letta", letta] as const]);
    this.kills++;
    this.#options.street.killed(kind);
    await server.kill("SIGKILL");
    await sleep(random.int(0, 3_000));
    await server.restart();
  }

  async #killProgram(random: Random): Promise<void> {
    const { street, revive } = this.#options;
    this.kills++;
    street.killed("letta-matrix");
    await street.app.kill();
    await sleep(random.int(0, 3_000));
    await revive();
  }
}
