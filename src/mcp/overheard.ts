import type { Transport } from "@modelcontextprotocol/server";

type Message = Parameters<NonNullable<Transport["onmessage"]>>[0];
type Extra = Parameters<NonNullable<Transport["onmessage"]>>[1];

/** A transport whose messages somebody hears, and may change, before the one that they are for. Their order stays. */
export class Overheard implements Transport {
  readonly #inner: Transport;
  /** While somebody thinks about a message, the next ones wait. */
  #before: Promise<void> | undefined;
  onmessage?: Transport["onmessage"];
  onclose?: Transport["onclose"];
  onerror?: Transport["onerror"];

  constructor(inner: Transport, hear: (message: Message) => Message | Promise<Message>) {
    this.#inner = inner;
    inner.onmessage = (message: Message, extra?: Extra) => {
      const heard = this.#before === undefined ? hear(message) : this.#before.then(() => hear(message));
      if (!(heard instanceof Promise)) return this.onmessage?.(heard, extra);
      const passed = heard
        .then((one) => this.onmessage?.(one, extra))
        .catch((error: Error) => this.onerror?.(error))
        .then(() => {
          if (this.#before === passed) this.#before = undefined;
        });
      this.#before = passed;
    };
    inner.onclose = () => this.onclose?.();
    inner.onerror = (error) => this.onerror?.(error);
  }

  start(): Promise<void> {
    return this.#inner.start();
  }

  send(...message: Parameters<Transport["send"]>): Promise<void> {
    return this.#inner.send(...message);
  }

  close(): Promise<void> {
    return this.#inner.close();
  }
}
