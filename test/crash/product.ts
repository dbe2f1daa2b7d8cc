import type { Tools } from "./boundaries.ts";
import { productHaste as haste } from "./haste.ts";
import type { Arm, Report, VictimSettings } from "./protocol.ts";
import { type Hit, VictimProcess } from "./victim-process.ts";
import type { World } from "./world.ts";

export interface ProductOptions {
  readonly world: World;
  /** The folder of its `app.ts`. */
  readonly source: string;
  /** Before each write to its store, ms. */
  readonly slowCommits: number;
  readonly tools: Tools;
  readonly onReport: (report: Report) => void;
}

/** The product over its many lives. The next one has loaded its code by the time the present one dies. */
export class Product {
  readonly #options: ProductOptions;
  #present: VictimProcess | undefined;
  #next: Promise<VictimProcess>;

  constructor(options: ProductOptions) {
    this.#options = options;
    this.#next = this.#load();
  }

  /** Its present life. */
  get life(): VictimProcess {
    if (this.#present === undefined) throw new Error("the product was never started");
    return this.#present;
  }

  /** Begins a life. Resolves when the product is up. */
  async start(): Promise<void> {
    const life = await this.#next;
    this.#present = life;
    const up = life.start(this.#settings());
    this.#next = this.#load();
    this.#next.catch(() => {}); // whoever needs it gets the error
    await up;
  }

  /** Begins a life that ends itself somewhere in its start. */
  async startToDie(arm: Arm): Promise<Hit> {
    const life = await this.#next;
    this.#present = life;
    this.#next = this.#load();
    this.#next.catch(() => {}); // whoever needs it gets the error
    return life.dieIn({ arm, start: this.#settings() });
  }

  /** Ends it in order, and what was loaded for its next life. */
  async stop(): Promise<void> {
    await this.#present?.stop();
    const next = await this.#next.catch(() => undefined);
    await next?.kill();
  }

  /** Leaves no process of it behind. */
  async kill(): Promise<void> {
    await this.#present?.kill();
    const next = await this.#next.catch(() => undefined);
    await next?.kill();
  }

  #load(): Promise<VictimProcess> {
    const { source, world, onReport } = this.#options;
    const { logFile, cacheFolder } = world;
    return VictimProcess.load({ source, logFile, cacheFolder, onReport });
  }

  #settings(): VictimSettings {
    const { world, slowCommits, tools } = this.#options;
    const { homeserver, pushAddress, letta, people, dataFolder, epoch } = world;
    const { baseUrl: url, serverName, registrationSharedSecret: sharedSecret } = homeserver;
    return {
      dataFolder,
      homeserver: {
        url,
        serverName,
        sharedSecret,
        ...(pushAddress && { appservice: { ...pushAddress.registration, listen: pushAddress.listen } }),
      },
      letta: { url: letta.url, receiptWithinMs: letta.receiptWithinMs },
      tools,
      people: people.map(({ userId }) => userId),
      epoch,
      haste,
      slowCommits,
    };
  }
}
