import { randomUUID } from "node:crypto";
import { Method } from "matrix-js-sdk/lib/http-api/index.js";
import { z } from "zod";
import type { OnMalformed } from "../event.ts";
import type { Call, Caller } from "../matrix-api.ts";
import { path } from "../path.ts";
import { MatrixError, type Pinged, type Pushes, ReachedSomebodyElse, type Sent, type Transaction } from "../port.ts";
import { TransactionListener } from "./listener.ts";

export interface PushesOptions {
  /** The registration's id. */
  readonly id: string;
  readonly listen: string;
  readonly hsToken: string;
  /** Asks as the application service itself. */
  readonly api: Caller;
  readonly onMalformed?: OnMalformed;
  readonly onRefused?: (error: unknown) => void;
}

interface Delivery {
  readonly take: (transaction: Transaction) => Promise<void>;
  readonly comesAgain: () => void;
  readonly sent: (sent: Sent) => void;
}

const nothing = z.unknown();

const pingRemedy =
  "Check that the registration's url leads to homeserver.appservice.listen, also from where the homeserver runs.";

/** Transactions at our own address, and the ping by which the homeserver finds us there. */
export class AppservicePushes implements Pushes {
  readonly #options: PushesOptions;
  readonly #listener: TransactionListener;
  /** The ping that is under way, until it has come round. */
  #awaited: string | undefined;
  #delivery: Delivery | undefined;

  constructor(options: PushesOptions) {
    this.#options = options;
    const { listen, hsToken, onMalformed, onRefused } = options;
    this.#listener = new TransactionListener({
      listen,
      hsToken,
      onTransaction: (transaction) =>
        this.#delivery?.take(transaction) ?? Promise.reject(new Error("nobody listens yet")),
      onUnheard: () => this.#delivery?.comesAgain(),
      onRefused: (error) => {
        // While it starts, everything is, and nothing is wrong.
        if (this.#delivery === undefined) return;
        this.#delivery.comesAgain();
        onRefused?.(error);
      },
      onPing: (id) => {
        if (id === this.#awaited) this.#awaited = undefined;
      },
      ...(onMalformed !== undefined && { onMalformed }),
    });
  }

  async listen(): Promise<void> {
    await this.#listener.start();
  }

  deliverTo(
    take: Delivery["take"],
    comesAgain: Delivery["comesAgain"] = () => undefined,
    sent: Delivery["sent"] = () => undefined,
  ): void {
    this.#delivery = { take, comesAgain, sent };
  }

  /** A user of ours has said something. */
  sent(sent: Sent): void {
    this.#delivery?.sent(sent);
  }

  async ping(signal: AbortSignal): Promise<Pinged> {
    const id = randomUUID();
    const call: Call = {
      action: "having the homeserver reach us",
      method: Method.Post,
      prefix: "/_matrix/client/v1",
      path: path`/appservice/${this.#options.id}/ping`,
      body: { transaction_id: id },
      remedies: { unreachable: pingRemedy, refused: pingRemedy, forbidden: pingRemedy },
    };
    this.#awaited = id;
    try {
      await this.#options.api.call(call, nothing, signal);
    } catch (error) {
      // Synapse answers 502 although it reached us while it is pushing again what it could not: that wait it cannot end.
      const isReached = this.#awaited === undefined && error instanceof MatrixError && error.kind === "unreachable";
      if (isReached) return "wait may go on";
      throw unsupportedIfUnknown(error);
    }
    if (this.#awaited !== undefined)
      throw new ReachedSomebodyElse(`Stop the other process that serves this registration. ${pingRemedy}`);
    return "reached";
  }

  close(): Promise<void> {
    return this.#listener.stop();
  }
}

/** Older homeservers answer 404 in many ways to what they do not know. */
function unsupportedIfUnknown(error: unknown): unknown {
  return error instanceof MatrixError && error.httpStatus === 404 ? error.as("unsupported") : error;
}
