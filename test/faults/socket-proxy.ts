import { createServer, type IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { WebSocket, WebSocketServer } from "ws";
import { z } from "zod";
import { Door } from "./door.ts";

const frame = z.looseObject({ type: z.string() });

/** A frame of the product's. */
export interface SeenFrame {
  readonly type: string;
  readonly text: string;
}

/** How a connection is received. */
export type Reception =
  /** With an HTTP answer instead. */
  | { readonly how: "refuse"; readonly status: number; readonly headers?: string; readonly body: string }
  /** It is opened, and nothing ever passes. */
  | { readonly how: "stall" };

/** A frame that a fault has caught. */
export interface CaughtFrame {
  readonly frame: SeenFrame;
  /** Hands it on to the server. */
  pass(): void;
  /** Gives the frames of the server that `concerns` picks to `fault` instead of to the product, for so long, ms. */
  intercept(
    concerns: (text: string) => boolean,
    forMs: number,
    fault: (text: string, product: WebSocket) => Promise<void> | void,
  ): void;
  /** Breaks the connection. */
  cut(): void;
  /** The next connection is received so. */
  receiveNext(reception: Reception): void;
  /** Nobody is let in for so long, ms; who is inside is thrown out. */
  refuseFor(ms: number): void;
}

export type SocketFault = (caught: CaughtFrame) => void;

export interface FrameTrap {
  /** Says whether it takes this frame; asked once for each. */
  takes(frame: SeenFrame): boolean;
  fault(caught: CaughtFrame): void;
}

interface Interception {
  readonly concerns: (text: string) => boolean;
  readonly until: number;
  readonly fault: (text: string, product: WebSocket) => Promise<void> | void;
}

/** Stands before a server that speaks WebSocket, and spoils what its traps take. */
export class SocketProxy {
  readonly url: string;
  readonly #target: string;
  readonly #door: Door;
  readonly #traps = new Set<FrameTrap>();
  readonly #receptions: Reception[] = [];
  readonly #sockets = new WebSocketServer({ noServer: true, autoPong: false });

  private constructor(target: string, door: Door) {
    this.#target = target;
    this.#door = door;
    this.url = `ws://127.0.0.1:${door.port}${new URL(target).pathname}`;
  }

  static async start(target: string): Promise<SocketProxy> {
    const server = createServer();
    const proxy = new SocketProxy(target, await Door.open(server));
    server.on("upgrade", (request, socket, head) => proxy.#receive(request, socket, head));
    return proxy;
  }

  /** Gives the way to take it away. */
  set(trap: FrameTrap): () => void {
    this.#traps.add(trap);
    return () => this.#traps.delete(trap);
  }

  close(): Promise<void> {
    return this.#door.close();
  }

  #receive(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on("error", () => socket.destroy());
    const reception = this.#receptions.shift();
    if (reception?.how === "refuse") {
      const { status, headers = "", body } = reception;
      const length = `Content-Length: ${Buffer.byteLength(body)}`;
      socket.end(`HTTP/1.1 ${status} Trouble\r\n${headers}${length}\r\nConnection: close\r\n\r\n${body}`);
      return;
    }
    this.#sockets.handleUpgrade(request, socket, head, (product) => {
      product.on("error", () => {}); // "close" follows
      if (reception === undefined) this.#join(product);
    });
  }

  #join(product: WebSocket): void {
    const server = new WebSocket(this.#target);
    const interceptions = new Set<Interception>();
    const waiting: string[] = [];
    const pass = (text: string): void => {
      if (server.readyState === WebSocket.CONNECTING) waiting.push(text);
      else if (server.readyState === WebSocket.OPEN) server.send(text);
    };
    server.on("open", () => {
      for (const text of waiting.splice(0)) server.send(text);
    });
    server.on("error", () => {}); // "close" follows
    server.on("close", () => product.terminate());
    product.on("close", () => server.terminate());
    product.on("ping", () => product.pong());
    product.on("message", (data) => {
      const text = data.toString();
      const caught = { type: frame.parse(JSON.parse(text)).type, text };
      const trap = [...this.#traps].find((one) => one.takes(caught));
      if (trap === undefined) return pass(text);
      trap.fault({
        frame: caught,
        pass: () => pass(text),
        intercept: (concerns, forMs, fault) => interceptions.add({ concerns, until: performance.now() + forMs, fault }),
        cut: () => product.terminate(),
        receiveNext: (reception) => this.#receptions.push(reception),
        refuseFor: (ms) => this.#door.refuseFor(ms),
      });
    });
    // What is dripping out holds up what comes after it.
    let sent = Promise.resolve();
    server.on("message", (data) => {
      sent = sent.then(async () => {
        const text = data.toString();
        const now = performance.now();
        const interception = [...interceptions].find(({ concerns, until }) => until > now && concerns(text));
        if (interception === undefined) product.send(text, () => {});
        else await interception.fault(text, product);
      });
    });
  }
}
