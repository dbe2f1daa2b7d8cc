import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import type { FaultName } from "./fault-names.ts";
import type { Answer, Caught, HttpFault } from "./http-proxy.ts";
import { doubled, reversed, samePage } from "./listings.ts";

/** What each fault does to a request over HTTP. */

/** Longer than anybody waits for a whole answer: so much of it comes at a time, ms. */
const dripEvery = 250;
/** In real time, while the product's runs faster. */
export const refusedFor = 4_000;

const unknownToken = { errcode: "M_UNKNOWN_TOKEN", error: "Unknown token", soft_logout: false };
const limited = { errcode: "M_LIMIT_EXCEEDED", error: "Too many requests" };
const page = (title: string): string =>
  `<html><head><title>${title}</title></head><body><h1>${title}</h1><hr>nginx</body></html>`;

/** What any server's answer may suffer. */
export const httpFaults = {
  "429 with retry time": json(429, { ...limited, retry_after_ms: 2_000 }, { "retry-after": "2" }),
  "429 without retry time": json(429, limited),
  "500 with HTML": html(500, "500 Internal Server Error"),
  "502 with HTML": html(502, "502 Bad Gateway"),
  "403": json(403, { errcode: "M_FORBIDDEN", error: "Forbidden" }),
  "401": json(401, unknownToken),
  "time-out before it is stored": async ({ response }) => untilGone(response),
  "time-out after it is stored": async ({ response, pass }) => {
    await pass();
    await untilGone(response);
  },
  "stall after the headers": async ({ response, pass }) => {
    head(response, await pass());
    response.flushHeaders();
    await untilGone(response);
  },
  "cut in the body": async ({ response, pass }) => {
    const answer = await pass();
    head(response, answer);
    await new Promise((resolve) => response.write(half(answer.body), resolve));
    response.destroy();
  },
  "truncated JSON": async ({ response, pass }) => {
    const answer = await pass();
    end(response, { ...answer, body: half(answer.body) });
  },
  "slow loris": async ({ response, pass }) => {
    const answer = await pass();
    head(response, answer);
    for (const letter of answer.body) {
      if (response.destroyed) return;
      response.write(letter);
      await sleep(dripEvery);
    }
    response.end();
  },
  "refused for minutes": async ({ refuseFor }) => refuseFor(refusedFor),
} satisfies Partial<Record<FaultName, HttpFault>>;

export const matrixFaults = {
  "401 with soft logout": json(401, { ...unknownToken, soft_logout: true }),
} satisfies Partial<Record<FaultName, HttpFault>>;

/** What is particular to a sync response. */
export const syncFaults = {
  "duplicate events": timelines((events) => events.flatMap((event) => [event, event])),
  "reordered events": timelines((events) => events.toReversed()),
  "next_batch that repeats": async ({ request, response, pass }) => {
    const answer = await pass();
    const parsed = z.looseObject({ next_batch: z.string() }).parse(JSON.parse(answer.body));
    const since = request.query.get("since") ?? parsed.next_batch;
    end(response, { ...answer, body: JSON.stringify({ ...parsed, next_batch: since }) });
  },
} satisfies Partial<Record<FaultName, HttpFault>>;

/** How long the homeserver is given to hear of a transaction, ms. Synapse itself gives it a minute. */
const homeserversPatience = 3_000;

/** What is particular to a transaction, which the homeserver asks us to take. */
export const transactionFaults = {
  ...impatient(httpFaults),
  "duplicate events": pushed((events) => events.flatMap((event) => [event, event])),
  "reordered events": pushed((events) => events.toReversed()),
  "transaction again under another name": async ({ request, response, pass }) => {
    const answer = await pass();
    end(response, { ...answer, ...(await pass({ path: `${request.path}-again` })) });
  },
} satisfies Partial<Record<FaultName, HttpFault>>;

/** Whoever asks gives up before its time. */
function impatient<N extends FaultName>(faults: Record<N, HttpFault>): Record<N, HttpFault> {
  const sooner = Object.entries<HttpFault>(faults).map(([name, fault]) => [
    name,
    async (caught: Caught): Promise<void> => {
      const timer = setTimeout(() => caught.response.destroy(), homeserversPatience);
      caught.response.once("close", () => clearTimeout(timer));
      await fault(caught);
    },
  ]);
  return Object.fromEntries(sooner);
}

function pushed(change: (events: readonly unknown[]) => unknown[]): HttpFault {
  return async ({ request, response, pass }) => {
    const transaction = timeline.parse(JSON.parse(request.body));
    const body = JSON.stringify({ ...transaction, events: change(transaction.events) });
    end(response, await pass({ body }));
  };
}

/** What is particular to a listing of agents by REST. */
export const listingFaults = {
  "duplicate events": listings(doubled),
  "reordered events": listings(reversed),
  "next_batch that repeats": listings(samePage),
} satisfies Partial<Record<FaultName, HttpFault>>;

function listings(change: (agents: readonly unknown[]) => unknown[]): HttpFault {
  return async ({ response, pass }) => {
    const answer = await pass();
    end(response, { ...answer, body: JSON.stringify(change(z.array(z.unknown()).parse(JSON.parse(answer.body)))) });
  };
}

function json(status: number, body: object, headers: Readonly<Record<string, string>> = {}): HttpFault {
  return async ({ response }) => {
    response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
  };
}

function html(status: number, title: string): HttpFault {
  return async ({ response }) => {
    response.writeHead(status, { "content-type": "text/html" }).end(page(title));
  };
}

const timeline = z.looseObject({ events: z.array(z.unknown()) });
const sync = z.looseObject({
  rooms: z.looseObject({ join: z.record(z.string(), z.looseObject({ timeline: timeline.optional() })) }),
});

function timelines(change: (events: readonly unknown[]) => unknown[]): HttpFault {
  return async ({ response, pass }) => {
    const answer = await pass();
    const parsed = sync.parse(JSON.parse(answer.body));
    const changed = Object.entries(parsed.rooms.join).map(([roomId, room]) => [
      roomId,
      { ...room, timeline: room.timeline && { ...room.timeline, events: change(room.timeline.events) } },
    ]);
    const rooms = { ...parsed.rooms, join: Object.fromEntries(changed) };
    end(response, { ...answer, body: JSON.stringify({ ...parsed, rooms }) });
  };
}

function head(response: ServerResponse, { status, headers, body }: Answer): void {
  response.writeHead(status, { ...headers, "content-length": String(Buffer.byteLength(body)) });
}

function end(response: ServerResponse, answer: Answer): void {
  head(response, answer);
  response.end(answer.body);
}

function half(body: string): string {
  return body.slice(0, Math.floor(body.length / 2));
}

async function untilGone(response: ServerResponse): Promise<void> {
  if (!response.destroyed) await once(response, "close");
}
