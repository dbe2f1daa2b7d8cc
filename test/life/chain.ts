import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { AgentSummary } from "../../src/letta/port.ts";
import { registerUser } from "../servers/matrix-users.ts";
import { type Synapse, startSynapse } from "../servers/synapse.ts";
import { appserviceSection, pushAddressFor, type TransportKind } from "../servers/transports.ts";
import { Observer } from "./observer.ts";
import { Life } from "./product.ts";
import type { Report } from "./protocol.ts";

/** Backoffs of a second take a tenth of one. */
const haste = 10;
/** What comes this much later than the end still counts as a part of it, ms. */
const afterwards = 300;

export interface PhaseOptions {
  /** Done before the last process of the phase is killed; once more with the next one if it dies of itself meanwhile. */
  readonly meanwhile?: (life: Life) => Promise<void>;
  /** Points at which nothing is killed, since something else is under way then that is to come to its own. */
  readonly spared?: readonly string[];
}

/** One installation through a phase after the other, killed at each point it comes to for the first time. */
export class Chain {
  readonly observer: Observer;
  readonly hits: string[] = [];
  readonly #dir: string;
  readonly #synapse: Synapse;
  readonly #epoch = Date.now();
  #next: Promise<Life>;

  private constructor(dir: string, synapse: Synapse, observer: Observer) {
    this.#dir = dir;
    this.#synapse = synapse;
    this.observer = observer;
    this.#next = this.#load();
  }

  static async start(dir: string, transport: TransportKind): Promise<Chain> {
    await mkdir(dir, { recursive: true });
    const pushAddress = await pushAddressFor(transport);
    const synapse = await startSynapse({
      dir: join(dir, "synapse"),
      rateLimits: "lifted",
      ...(pushAddress && { appservices: [pushAddress.registration] }),
    });
    try {
      const { baseUrl: url, serverName: server_name, registrationSharedSecret: shared_secret } = synapse;
      const observer = new Observer(synapse, {
        admin: await registerUser(synapse, "observer", { admin: true }),
        ada: await registerUser(synapse, "ada"),
      });
      const config = {
        homeserver: {
          url,
          server_name,
          registration: { shared_secret },
          ...(pushAddress && { appservice: await appserviceSection(dir, pushAddress) }),
        },
        letta: { url: "ws://127.0.0.1:1" },
        data_folder: "data",
        invite: [observer.ada.userId],
        discovery: { interval: "500ms", grace: "2s" },
      };
      await writeFile(join(dir, "letta-matrix.yaml"), JSON.stringify(config), { mode: 0o600 });
      return new Chain(dir, synapse, observer);
    } catch (error) {
      await synapse.stop();
      throw error;
    }
  }

  /** Lives until all has come to rest in this phase. */
  async phase(phase: string, agents: readonly AgentSummary[], { meanwhile, spared = [] }: PhaseOptions = {}) {
    for (;;) {
      const life = await this.#next;
      this.#next = this.#load();
      life.begin({
        configFile: join(this.#dir, "letta-matrix.yaml"),
        agents: [...agents],
        phase,
        survived: [...this.hits, ...spared.map((point) => `${phase}: ${point}`)],
        epoch: this.#epoch,
        haste,
      });
      const end = await this.#restOrDeath(life);
      if (end?.type === "hit") this.hits.push(end.point);
      else if (end === undefined) throw new Error(`the product ended by itself in ${this.#dir}`);
      else await meanwhile?.(life);
      const diedMeanwhile = end.type === "settled" ? life.hit : undefined;
      if (diedMeanwhile !== undefined) this.hits.push(diedMeanwhile);
      await life.kill();
      if (end.type === "settled" && diedMeanwhile === undefined) return;
    }
  }

  async stop(): Promise<void> {
    const next = await this.#next.catch(() => undefined);
    await next?.kill();
    await this.#synapse.stop();
  }

  async #restOrDeath(life: Life): Promise<Report | undefined> {
    const end = await life.until(({ type }) => type === "hit" || type === "settled", 60_000);
    if (end?.type !== "settled") return end;
    const late = await Promise.race([life.until(({ type }) => type === "hit", 60_000), sleep(afterwards)]);
    return late ?? end;
  }

  #load(): Promise<Life> {
    const life = Life.load(join(this.#dir, "letta-matrix.log"), join(this.#dir, "compiled"));
    life.catch(() => undefined); // whoever needs it gets the error
    return life;
  }
}
