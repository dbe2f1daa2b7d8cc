import { mkdir } from "node:fs/promises";
import { z } from "zod";
import { type HomeserverKind, startHomeserverOf } from "../crash/homeservers.ts";
import { turnOf } from "../crash/marks.ts";
import { Person } from "../crash/person.ts";
import { productSource } from "../crash/world.ts";
import { Person as Client } from "../e2e/person.ts";
import { type MatrixUser, registerUser } from "../servers/matrix-users.ts";
import { type Model, startModel } from "../servers/model.ts";
import type { Synapse } from "../servers/synapse.ts";
import { pushAddressFor, type TransportKind } from "../servers/transports.ts";
import { HttpProxy, type SeenAnswer, type SeenRequest } from "./http-proxy.ts";
import { type LettaSide, startLettaSide } from "./letta-side.ts";
import type { LettaKind } from "./phase.ts";
import { Product, timerHaste } from "./product.ts";

const session = z.object({ user_id: z.string(), access_token: z.string() });

/** A homeserver with a proxy before it, a stand-in of Letta with another, the product, and people. */
export class World {
  readonly synapse: Synapse;
  readonly model: Model;
  readonly letta: LettaSide;
  readonly homeserver: HttpProxy;
  /** Between the homeserver and where it pushes to, if it does. */
  readonly #pushes: HttpProxy | undefined;
  readonly product: Product;
  readonly ada: Person;
  /** Ada again, for what people do less often than talking. */
  readonly adasClient: Client;
  readonly admin: Client;
  readonly #traffic: Traffic;

  constructor(
    parts: Pick<World, "synapse" | "model" | "letta" | "homeserver" | "product" | "ada" | "adasClient" | "admin">,
    traffic: Traffic,
    pushes: HttpProxy | undefined,
  ) {
    this.#pushes = pushes;
    this.synapse = parts.synapse;
    this.model = parts.model;
    this.letta = parts.letta;
    this.homeserver = parts.homeserver;
    this.product = parts.product;
    this.ada = parts.ada;
    this.adasClient = parts.adasClient;
    this.admin = parts.admin;
    this.#traffic = traffic;
  }

  get pushes(): HttpProxy {
    if (this.#pushes === undefined) throw new Error("this homeserver pushes nothing");
    return this.#pushes;
  }

  /** On whose behalf a request is made. */
  userOf({ token, query }: SeenRequest): string | undefined {
    return query.get("user_id") ?? this.#traffic.users.get(token);
  }

  /** Whether the homeserver has taken a final answer to the question. */
  isAnswered(eventId: string): boolean {
    return this.#traffic.answered.has(eventId);
  }

  async stop(): Promise<void> {
    await this.product.stop();
    await this.homeserver.close();
    await this.#pushes?.close();
    await Promise.all([this.synapse.stop(), this.letta.stop()]);
    await this.model.stop();
  }
}

const past = z.object({ chunk: z.array(z.object({ content: z.unknown() })) });

/** Nothing, where a fault has spoilt it. */
function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

/** What the proxy has seen the homeserver do. */
class Traffic {
  /** User ids by access token. */
  readonly users = new Map<string, string>();
  /** Questions that have a final answer, by event id. */
  readonly answered = new Set<string>();

  note({ path, body }: SeenRequest, answer: SeenAnswer): void {
    if (answer.status !== 200) return;
    if (/\/(register|login)$/.test(path)) {
      const given = session.safeParse(JSON.parse(answer.body));
      if (given.success) this.users.set(given.data.access_token, given.data.user_id);
    }
    if (path.includes("/send/")) this.#noteFinal(JSON.parse(body));
    // Whose answer was lost on its way back is found in the room, and not sent again.
    if (path.endsWith("/messages"))
      for (const { content } of past.safeParse(parsed(answer.body)).data?.chunk ?? []) this.#noteFinal(content);
  }

  #noteFinal(content: unknown): void {
    const mark = turnOf(content);
    if (mark?.final === true) this.answered.add(mark.cause);
  }
}

export interface WorldOptions {
  /** Holds all that it writes. */
  readonly dir: string;
  readonly letta: LettaKind;
  readonly transport: TransportKind;
  /** The real one, or the stand-in of one. */
  readonly homeserver: HomeserverKind;
  /** The real App Server in the stand-in's place. Default: false. */
  readonly realLetta?: boolean;
  /** Where the product's source is. Default: as it stands. */
  readonly source?: string;
}

export async function startWorld({
  dir,
  letta: kind,
  transport,
  homeserver: homeserverKind,
  realLetta: real = false,
  source = productSource,
}: WorldOptions): Promise<World> {
  await mkdir(dir, { recursive: true });
  const model = await startModel();
  const own = await pushAddressFor(transport);
  const pushes = own && (await HttpProxy.start({ target: own.registration.url }));
  const pushAddress = own && pushes && { ...own, registration: { ...own.registration, url: pushes.url } };
  const [synapse, letta] = await Promise.all([
    startHomeserverOf(homeserverKind, dir, pushAddress && [pushAddress.registration]),
    startLettaSide({ kind, real, model, dir }),
  ]);
  const traffic = new Traffic();
  const homeserver = await HttpProxy.start({
    target: synapse.baseUrl,
    // Polls are held in the product's time.
    rewrite({ pathname, searchParams }) {
      const held = searchParams.get("timeout");
      if (pathname.endsWith("/sync") && held !== null)
        searchParams.set("timeout", String(Math.round(Number(held) / timerHaste)));
    },
    onAnswer: (request, answer) => traffic.note(request, answer),
  });
  const ada = await registerUser(synapse, "ada");
  const root = await registerUser(synapse, "root", { admin: true });
  const client = ({ userId, accessToken }: MatrixUser) => new Client({ baseUrl: synapse.baseUrl, userId, accessToken });
  const { serverName, registrationSharedSecret: sharedSecret } = synapse;
  const product = await Product.start({
    source,
    dir,
    homeserver: { url: homeserver.url, serverName, sharedSecret },
    ...(pushAddress && { pushAddress }),
    lettaUrl: letta.url,
    people: [ada.userId],
  });
  return new World(
    {
      synapse,
      model,
      letta,
      homeserver,
      product,
      ada: new Person(synapse.baseUrl, ada),
      adasClient: client(ada),
      admin: client(root),
    },
    traffic,
    pushes,
  );
}
