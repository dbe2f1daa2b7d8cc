import { createHash, timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { z } from "zod";
import { type OnMalformed, parsePushed } from "../event.ts";
import type { Transaction } from "../port.ts";
import { BodyTooLarge, bodyOf } from "./request-body.ts";

export interface ListenerOptions {
  /** `host:port`; of port 0 the system chooses one. */
  readonly listen: string;
  /** The homeserver proves by it that it is the one. A secret. */
  readonly hsToken: string;
  /** Takes what was pushed: acknowledged once it has resolved, and asked for again when it rejects. One at a time. */
  readonly onTransaction: (transaction: Transaction) => Promise<void>;
  /** The homeserver has asked whether we are there, with the id that we gave that ping, if we did. */
  readonly onPing?: (id: string | undefined) => void;
  readonly onMalformed?: OnMalformed;
  /** A transaction was taken, and the homeserver does not know: it has not waited for the answer. */
  readonly onUnheard?: () => void;
  /** A transaction was refused, whatever is wrong with it or with us, and will come again. */
  readonly onRefused?: (error: unknown) => void;
}

/** Somebody else has the address. */
export class AddressTaken extends Error {
  override readonly name = "AddressTaken";
  readonly remedy =
    "Another process serves this registration, perhaps letta-matrix itself: stop it, or change homeserver.appservice.listen and the registration's url.";

  constructor(address: string, options?: ErrorOptions) {
    super(`${address}, where the homeserver pushes events to, is taken`, options);
  }
}

/** Cannot be listened at. */
export class AddressUnusable extends Error {
  override readonly name = "AddressUnusable";
  readonly remedy = "Set homeserver.appservice.listen to an address of this machine, such as 127.0.0.1:29331.";

  constructor(address: string, options?: ErrorOptions) {
    super(`${address}, where the homeserver is to push events to, cannot be used`, options);
  }
}

/** Was pushed, and is nothing that can be taken. */
export class NotATransaction extends Error {
  override readonly name = "NotATransaction";
  readonly remedy =
    "Look at what stands between the homeserver and homeserver.appservice.listen: it changes what is pushed. Else please report it.";

  constructor() {
    super("a transaction is a JSON object with a list of events");
  }
}

/** A transaction has a hundred events at most, and each event 64 KB. */
const mostBytes = 32 * 1024 * 1024;
/** To send one whole request, ms: the homeserver is near. */
const requestTimeout = 60_000;
/**
 * Longer than the homeserver keeps an idle connection (Synapse two minutes): what it writes to one that we are just closing
 * would be lost to it, and it would wait before it pushes again.
 */
const keepAliveTimeout = 180_000;

const transactionBody = z.object({ events: z.array(z.unknown()).default([]) });
const pingBody = z.object({ transaction_id: z.string().optional().catch(undefined) });

const transactionPath = /^(?:\/_matrix\/app\/v1)?\/transactions\/([^/]+)$/;
const pingPath = "/_matrix/app/v1/ping";
const askedPath = /^(?:\/_matrix\/app\/v1)?\/(?:users|rooms)\/[^/]+$/;

/** Where the homeserver pushes events to. */
export class TransactionListener {
  readonly #options: ListenerOptions;
  readonly #token: Buffer;
  readonly #server: Server;
  /** The transaction that is being taken, and those after it. */
  #taking: Promise<unknown> = Promise.resolve();

  constructor(options: ListenerOptions) {
    this.#options = options;
    this.#token = digestOf(options.hsToken);
    this.#server = createServer({ requestTimeout, keepAliveTimeout }, (request, response) => {
      void this.#answer(request)
        .catch((error: unknown) => failureOf(error))
        .then((answer) => send(response, answer));
    });
  }

  /** Rejects with {@link AddressTaken} or {@link AddressUnusable}. Gives the port. */
  async start(): Promise<number> {
    const { listen } = this.#options;
    const at = listen.lastIndexOf(":");
    const host = listen.slice(0, at).replace(/^\[(.*)\]$/, "$1");
    const port = Number(listen.slice(at + 1));
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", (cause) => {
        const isTaken = Reflect.get(cause, "code") === "EADDRINUSE";
        reject(isTaken ? new AddressTaken(listen, { cause }) : new AddressUnusable(listen, { cause }));
      });
      this.#server.listen({ host, port }, resolve);
    });
    const address = this.#server.address();
    return typeof address === "object" && address !== null ? address.port : port;
  }

  /** Takes no more; what is not acknowledged comes again. */
  async stop(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = new Promise<void>((resolve) => void this.#server.close(() => resolve()));
    this.#server.closeIdleConnections();
    await this.#taking.catch(() => undefined);
    this.#server.closeAllConnections();
    await closed;
  }

  async #answer(request: IncomingMessage): Promise<Answer> {
    const url = new URL(request.url ?? "/", "http://application-service");
    const token = tokenIn(request, url);
    if (token === undefined) return failure(401, "M_MISSING_TOKEN", "the homeserver's token is missing");
    if (!timingSafeEqual(digestOf(token), this.#token))
      return failure(403, "M_FORBIDDEN", "this is not the homeserver's token");
    const txnId = transactionPath.exec(url.pathname)?.[1];
    if (txnId !== undefined) return request.method === "PUT" ? this.#take(txnId, request) : wrongMethod();
    if (url.pathname === pingPath) return request.method === "POST" ? this.#pinged(request) : wrongMethod();
    if (askedPath.test(url.pathname))
      return request.method === "GET"
        ? failure(404, "M_NOT_FOUND", "users and rooms are made before anybody asks for them")
        : wrongMethod();
    return failure(404, "M_UNRECOGNIZED", "there is no such endpoint");
  }

  async #take(txnId: string, request: IncomingMessage): Promise<Answer> {
    try {
      const events = this.#eventsIn(await bodyOf(request, mostBytes));
      const taken = this.#taking.then(() => this.#options.onTransaction({ txnId: decoded(txnId), events }));
      this.#taking = taken.catch(() => undefined);
      await taken;
      if (request.socket.destroyed) this.#options.onUnheard?.();
      return { status: 200, body: {} };
    } catch (error) {
      this.#options.onRefused?.(error);
      if (error instanceof BodyTooLarge) return failureOf(error);
      if (error instanceof NotATransaction) return failure(400, "M_BAD_JSON", error.message);
      return failure(503, "M_UNKNOWN", "it could not be written down, and is to come again");
    }
  }

  #eventsIn(body: string) {
    const parsed = transactionBody.safeParse(parseJson(body));
    if (!parsed.success) throw new NotATransaction();
    // Whatever else is in it, such as who types in either spelling, is of no use to us.
    return parsePushed(parsed.data.events, (roomId, reason) =>
      this.#options.onMalformed?.({ userId: "", roomId, reason }),
    );
  }

  async #pinged(request: IncomingMessage): Promise<Answer> {
    const text = await bodyOf(request, mostBytes);
    this.#options.onPing?.(pingBody.safeParse(parseJson(text)).data?.transaction_id);
    return { status: 200, body: {} };
  }
}

interface Answer {
  readonly status: number;
  readonly body: object;
}

function failure(status: number, errcode: string, error: string): Answer {
  return { status, body: { errcode, error } };
}

function wrongMethod(): Answer {
  return failure(405, "M_UNRECOGNIZED", "there is no such method here");
}

function failureOf(error: unknown): Answer {
  return error instanceof BodyTooLarge
    ? failure(413, "M_TOO_LARGE", error.message)
    : failure(400, "M_UNKNOWN", "the request could not be read");
}

function send(response: ServerResponse, { status, body }: Answer): void {
  const text = JSON.stringify(body);
  response.writeHead(status, { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(text) });
  // Whoever sends what nobody reads to its end is not listened to any further.
  response.end(text, () => response.req.complete || response.req.destroy());
}

/** In the header, or as older homeservers do it, in the query. */
function tokenIn({ headers }: IncomingMessage, url: URL): string | undefined {
  const bearer = /^Bearer (.+)$/i.exec(headers.authorization ?? "")?.[1];
  return bearer ?? url.searchParams.get("access_token") ?? undefined;
}

/** Of one length, whatever is compared. */
function digestOf(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
