import { once } from "node:events";
import { type WebSocket, WebSocketServer } from "ws";

export interface Sent {
  readonly type: string;
  readonly request_id?: string;
  readonly [key: string]: unknown;
}

/** A server that says what a test has it say. */
export interface FakeServer {
  readonly url: string;
  /** All commands that came, oldest first. */
  readonly received: readonly Sent[];
  /** Sends a frame, or text as it is, to every client. */
  send(frame: object | string | Buffer): void;
  /** Resolves with the next command of this type that has not been waited for. */
  next(type: string): Promise<Sent>;
  /** Drops all connections. */
  drop(): void;
  close(): Promise<void>;
}

export type Answering = (command: Sent) => object | undefined;

/** Says yes to everything, as a Letta does in which nothing runs. */
export const agreeable: Answering = (command) => {
  switch (command.type) {
    case "input":
      return { type: "input_accepted", runtime: command["runtime"], accepted: true };
    case "abort_message":
      return { type: "abort_message_response", success: true, aborted: false };
    case "conversation_messages_list":
      return { type: "conversation_messages_list_response", success: true, messages: [], has_more: false };
    default:
      return { type: `${command.type}_response`, success: true };
  }
};

export async function startFakeServer(answering: Answering = agreeable): Promise<FakeServer> {
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the fake server has no port");
  const received: Sent[] = [];
  const unclaimed: Sent[] = [];
  const waiting: { readonly type: string; resolve(sent: Sent): void }[] = [];
  const clients = new Set<WebSocket>();
  server.on("connection", (client) => {
    clients.add(client);
    client.on("close", () => clients.delete(client));
    client.on("message", (data) => {
      const command: Sent = JSON.parse(data.toString());
      received.push(command);
      const answer = answering(command);
      if (answer !== undefined) client.send(JSON.stringify({ ...answer, request_id: command.request_id }));
      const index = waiting.findIndex(({ type }) => type === command.type);
      if (index < 0) unclaimed.push(command);
      else waiting.splice(index, 1)[0]?.resolve(command);
    });
  });
  return {
    url: `ws://127.0.0.1:${address.port}/ws`,
    received,
    send(frame) {
      const data = typeof frame === "string" || Buffer.isBuffer(frame) ? frame : JSON.stringify(frame);
      for (const client of clients) client.send(data, { binary: Buffer.isBuffer(data) });
    },
    next(type) {
      const index = unclaimed.findIndex((command) => command.type === type);
      const [claimed] = index < 0 ? [] : unclaimed.splice(index, 1);
      if (claimed !== undefined) return Promise.resolve(claimed);
      return new Promise((resolve) => waiting.push({ type, resolve }));
    },
    drop() {
      for (const client of clients) client.terminate();
    },
    async close() {
      for (const client of clients) client.terminate();
      server.close();
      await once(server, "close");
    },
  };
}
