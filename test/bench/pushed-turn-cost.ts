import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { newRegistration } from "../../src/config/registration-text.ts";
import { ClientServerHomeserver } from "../../src/matrix/client-server.ts";
import type { MatrixClient } from "../../src/matrix/port.ts";
import { freePort } from "../servers/free-port.ts";
import { knownAs } from "../servers/homeserver/appservice/registration.ts";
import { startHomeserver } from "../servers/homeserver/start.ts";
import type { Synapse } from "../servers/synapse.ts";
import type { Figure } from "./figures.ts";
import { converse, Subject, type TurnCostOptions } from "./turn-cost.ts";

/**
 * One turn where the homeserver pushes, beside a loop that makes the same requests and writes nothing down: CPU time of the
 * process, and how long the asker waits. Each has a homeserver of its own, the stand-in: what that takes is in neither.
 */
export async function pushedTurnCost({ rounds, messages }: TurnCostOptions): Promise<Figure[]> {
  const folder = await mkdtemp(join(tmpdir(), "letta-matrix-bench-"));
  const sides: Side[] = [];
  try {
    for (const name of ["pushed-app", "pushed-raw"] as const) sides.push(await Side.begin(name, join(folder, name)));
    for (const side of sides) await side.talk("warm-up", messages);
    await sleep(untilCertain);
    const taken = new Map(sides.map((side) => [side, nothing]));
    for (let round = 0; round < rounds; round++)
      for (const side of sides) {
        const { cpuMs, ms, requests } = await side.talk(`round-${round}`, messages);
        const before = taken.get(side) ?? nothing;
        const sum = { cpuMs: before.cpuMs + cpuMs, ms: before.ms + ms, requests: before.requests + requests };
        taken.set(side, sum);
      }
    const turns = rounds * messages;
    const [app, raw] = sides.map((side) => taken.get(side));
    const figure = { moreIsBetter: false, unit: "ms" } as const;
    const baseline = (value = Number.NaN) => ({ name: "raw loop, same requests", value: value / turns });
    return [
      {
        ...figure,
        name: `CPU of one turn that is pushed, over ${turns} turns`,
        value: (app?.cpuMs ?? Number.NaN) / turns,
        baseline: baseline(raw?.cpuMs),
      },
      {
        ...figure,
        name: "round trip of one turn that is pushed",
        value: (app?.ms ?? Number.NaN) / turns,
        baseline: baseline(raw?.ms),
      },
      {
        ...figure,
        unit: "requests",
        name: "requests of one turn that is pushed",
        value: (app?.requests ?? Number.NaN) / turns,
        baseline: baseline(raw?.requests),
      },
    ];
  } finally {
    for (const side of sides) await side.end();
    await rm(folder, { recursive: true });
  }
}

interface Taken {
  readonly cpuMs: number;
  readonly ms: number;
  /** Of the subject, to the homeserver. */
  readonly requests: number;
}

const nothing: Taken = { cpuMs: 0, ms: 0, requests: 0 };
/**
 * After a start an agent looks back before each thing that is pushed, until for 15 s nothing was, ms. A turn costs twice as
 * much until then.
 */
const untilCertain = 30_000;

/** A subject on a homeserver of its own, with somebody who talks to it. */
class Side {
  readonly #subject: Subject;
  readonly #human: MatrixClient;
  readonly #homeserver: Synapse;
  readonly #end: () => Promise<void>;

  private constructor(subject: Subject, human: MatrixClient, homeserver: Synapse, end: () => Promise<void>) {
    this.#subject = subject;
    this.#human = human;
    this.#homeserver = homeserver;
    this.#end = end;
  }

  static async begin(name: "pushed-app" | "pushed-raw", folder: string): Promise<Side> {
    const listen = `127.0.0.1:${await freePort()}`;
    const given = { url: `http://${listen}`, serverName: "localhost", spaceAlias: "letta-agents" };
    const registration = newRegistration(given);
    const { id, asToken, hsToken } = registration;
    const appservices = [knownAs(registration)];
    const served = { dir: join(folder, "homeserver"), rateLimits: "lifted", appservices } as const;
    const homeserver = await startHomeserver("synapse", served);
    const { baseUrl, serverName, registrationSharedSecret: secret } = homeserver;
    const client = new ClientServerHomeserver({ baseUrl, serverName, registration: { kind: "shared-secret", secret } });
    const signal = AbortSignal.timeout(60_000);
    const account = { localpart: "anna", password: "only-for-this-bench", deviceId: "ANNA" };
    const human = client.as(await client.register(account, signal));
    const pushes = { id, asToken, hsToken, listen };
    const task = { baseUrl, serverName, secret, dataFolder: join(folder, "data"), human: human.userId, pushes };
    const subject = await Subject.start(name, task);
    await human.join(subject.roomId, signal);
    return new Side(subject, human, homeserver, async () => {
      subject.stop();
      client.close();
      await homeserver.stop();
    });
  }

  async talk(name: string, messages: number): Promise<Taken> {
    const before = await this.#subject.cpuMs();
    const begunAt = Date.now();
    const begun = performance.now();
    await converse(this.#human, this.#subject.roomId, name, messages, AbortSignal.timeout(1_800_000));
    const ms = performance.now() - begun;
    const cpuMs = (await this.#subject.cpuMs()) - before;
    const made = (await this.#homeserver.requests()).filter(
      ({ at, user }) => at >= begunAt && user !== this.#human.userId,
    );
    return { cpuMs, ms, requests: made.length };
  }

  end(): Promise<void> {
    return this.#end();
  }
}
