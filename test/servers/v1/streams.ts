import type { ServerResponse } from "node:http";
import type { Run, V1Oddities } from "./state.ts";

/** How often a stream on which nothing happens says that it lives, ms. */
const pingEveryMs = 100;
/** These carry neither the run nor a place in its stream. */
const bare: ReadonlySet<unknown> = new Set(["stop_reason", "usage_statistics"]);

/** Adds a frame to the run's stream, and wakes whoever reads it. */
export function append(run: Run, frame: object, event?: "error"): void {
  const isBare = bare.has(Reflect.get(frame, "message_type"));
  const where = isBare ? {} : { run_id: run.id, seq_id: run.background ? run.log.length + 1 : null };
  const data = `data: ${JSON.stringify({ id: `frame-${run.log.length}`, ...frame, ...where })}\n\n`;
  run.log.push(event === undefined ? data : `event: ${event}\n${data}`);
  wake(run);
}

export function finish(run: Run): void {
  run.complete = true;
  run.log.push("data: [DONE]\n\n");
  wake(run);
}

/** Writes a run's stream, from its beginning or after a frame, until it is complete or the reader is gone. */
export async function play(run: Run, response: ServerResponse, after: number, oddities: V1Oddities): Promise<void> {
  response.writeHead(200, { "content-type": "text/event-stream" });
  const pings = setInterval(() => {
    const ping = { message_type: "ping", id: "ping", run_id: run.id, seq_id: null };
    if (oddities.pingsForTheDead) response.write(`data: ${JSON.stringify(ping)}\n\n`);
  }, pingEveryMs);
  let next = after;
  response.once("close", () => wake(run));
  try {
    while (!response.destroyed) {
      for (; next < run.log.length; next++) response.write(run.log[next]);
      if (run.log.at(-1) === "data: [DONE]\n\n") break;
      await new Promise<void>((resolve) => run.readers.add(resolve));
    }
  } finally {
    clearInterval(pings);
    response.end();
  }
}

function wake({ readers }: Run): void {
  for (const reader of readers) reader();
  readers.clear();
}
