import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { freePort } from "../servers/free-port.ts";

/** Passes connections on to a server, and can break them. */
export interface TcpGate {
  readonly port: number;
  /** Breaks every connection that is open now. */
  cut(): void;
  close(): Promise<void>;
}

export async function startGate(targetPort: number): Promise<TcpGate> {
  const open = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(targetPort, "127.0.0.1");
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      open.add(socket);
      socket.on("error", () => other.destroy());
      socket.on("close", () => {
        open.delete(socket);
        other.destroy();
      });
    }
    near.pipe(far).pipe(near);
  });
  const port = await freePort();
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  const cut = (): void => {
    for (const socket of open) socket.destroy();
  };
  return {
    port,
    cut,
    async close() {
      const closed = once(server, "close");
      server.close();
      cut();
      await closed;
    },
  };
}
