import { once } from "node:events";
import { createServer, connect as dial, type Server, type Socket } from "node:net";

/** A wire between a client and a server that can be cut. */
export interface Cable {
  /** As the server's own, with the wire in between. */
  readonly url: string;
  /** Drops every connection without a word, as a killed client does. New ones are let through. */
  cut(): void;
  close(): Promise<void>;
}

export async function layCable(serverUrl: string): Promise<Cable> {
  const { hostname, port, pathname } = new URL(serverUrl);
  const sockets = new Set<Socket>();
  const keep = (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.once("close", () => sockets.delete(socket));
  };
  const server: Server = createServer((near) => {
    const far = dial(Number(port), hostname);
    keep(near);
    keep(far);
    near.pipe(far).pipe(near);
    near.once("close", () => far.destroy());
    far.once("close", () => near.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the cable has no port");
  const cut = () => {
    for (const socket of sockets) socket.resetAndDestroy();
  };
  return {
    url: `ws://127.0.0.1:${address.port}${pathname}`,
    cut,
    async close() {
      cut();
      server.close();
      await once(server, "close");
    },
  };
}
