import { WebSocket } from "ws";
import { z } from "zod";

const frameSchema = z.looseObject({ type: z.string(), request_id: z.string().optional() });
export type Frame = z.infer<typeof frameSchema>;

/** A bare connection to the App Server, for setting things up and for looking on; not the product's adapter. */
export interface LettaSocket {
  /** Sends a command and gives the reply that carries its request id. */
  request<T>(command: { readonly type: string } & Record<string, unknown>, reply: z.ZodType<T>): Promise<T>;
  /** Calls back for each frame that is no reply. Gives the function that ends this. */
  onFrame(listener: (frame: Frame) => void): () => void;
  close(): void;
}

const replyWithinMs = 120_000;

export async function openLettaSocket(url: string): Promise<LettaSocket> {
  const socket = new WebSocket(url);
  await new Promise<void>((resolve, reject) => {
    socket.once("open", resolve);
    socket.once("error", (cause) => reject(new Error(`no connection to Letta at ${url}: ${cause.message}`, { cause })));
  });
  const waiting = new Map<string, (frame: Frame) => void>();
  const failing = new Map<string, (error: Error) => void>();
  const listeners = new Set<(frame: Frame) => void>();
  let requests = 0;

  socket.on("message", (data) => {
    const frame = frameSchema.parse(JSON.parse(data.toString()));
    const resolve = frame.request_id === undefined ? undefined : waiting.get(frame.request_id);
    if (resolve !== undefined) resolve(frame);
    else for (const listener of listeners) listener(frame);
  });
  socket.on("error", () => {}); // "close" follows
  socket.on("close", () => {
    for (const fail of failing.values()) fail(new Error(`Letta at ${url} closed the connection`));
  });

  return {
    async request(command, reply) {
      const id = `request-${++requests}`;
      try {
        const frame = await new Promise<Frame>((resolve, reject) => {
          waiting.set(id, resolve);
          failing.set(id, reject);
          AbortSignal.timeout(replyWithinMs).addEventListener("abort", () =>
            reject(new Error(`Letta gave no reply to ${command.type} within ${replyWithinMs} ms`)),
          );
          socket.send(JSON.stringify({ ...command, request_id: id }));
        });
        if (frame["success"] === false) {
          throw new Error(`Letta refused ${command.type}: ${String(frame["error"] ?? "no reason given")}`);
        }
        return reply.parse(frame);
      } finally {
        waiting.delete(id);
        failing.delete(id);
      }
    },
    onFrame(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close: () => socket.close(),
  };
}
