import { once } from "node:events";
import type { Server } from "node:http";
import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "../servers/free-port.ts";

/** The way into a proxy: it can be shut for a while, and is the same one when it opens again. */
export class Door {
  readonly port: number;
  readonly #server: Server;
  readonly #inside = new Set<Socket>();
  #refusing: Promise<void> | undefined;
  #opensAt = 0;
  #closed = false;

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.port = port;
    server.on("connection", (socket) => {
      this.#inside.add(socket);
      socket.once("close", () => this.#inside.delete(socket));
    });
  }

  static async open(server: Server): Promise<Door> {
    const door = new Door(server, await freePort());
    await door.#listen();
    return door;
  }

  /** Nobody is let in for so long, ms; who is inside is thrown out. */
  refuseFor(ms: number): void {
    this.#opensAt = Math.max(this.#opensAt, performance.now() + ms);
    this.#refusing ??= this.#refuse().finally(() => {
      this.#refusing = undefined;
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#refusing;
    await this.#shut();
  }

  async #refuse(): Promise<void> {
    await this.#shut();
    while (performance.now() < this.#opensAt && !this.#closed) await sleep(50);
    if (!this.#closed) await this.#listen();
  }

  async #listen(): Promise<void> {
    this.#server.listen(this.port, "127.0.0.1");
    await once(this.#server, "listening");
  }

  async #shut(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, "close");
    this.#server.close();
    for (const socket of this.#inside) socket.destroy();
    await closed;
  }
}
