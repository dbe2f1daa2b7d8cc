import { setTimeout as sleep } from "node:timers/promises";
import type { WebSocket } from "ws";
import { z } from "zod";
import type { FaultName } from "./fault-names.ts";
import { refusedFor } from "./http-faults.ts";
import { doubled, reversed, samePage } from "./listings.ts";
import type { CaughtFrame, Reception, SocketFault } from "./socket-proxy.ts";

/** What each fault does to a command over Letta's WebSocket, to its answer or to what follows from it. */

/** Longer than anybody waits for an answer, ms. */
const longerThanPatience = 3_500;
/** Letters that come one by one, and how slowly, ms: longer than anybody waits for an answer. */
const drips = 80;
const dripEvery = 50;
/** For the connection's life. */
const always = 3_600_000;

const identified = z.object({ request_id: z.string(), runtime: z.object({ agent_id: z.string() }).optional() });
const listed = z.looseObject({ agents: z.array(z.unknown()) });

/** A status of HTTP is told at a connection's beginning, so the present one has to end first. */
function refusal(status: number, body: string, headers = ""): SocketFault {
  return comesAnew({ how: "refuse", status, body, headers });
}

function comesAnew(reception: Reception): SocketFault {
  return ({ cut, receiveNext }) => {
    receiveNext(reception);
    cut();
  };
}

/** Spoils the first frame that the command leads to. */
function spoilFirst(spoil: (text: string, product: WebSocket) => Promise<void> | void): SocketFault {
  return (caught) => {
    let spoilt = false;
    const concerns = concernedBy(caught);
    caught.intercept(
      (text) => !spoilt && concerns(text),
      always,
      async (text, product) => {
        spoilt = true;
        await spoil(text, product);
      },
    );
    caught.pass();
  };
}

/** The answer to a command; for a message to an agent, what comes of its turn. */
function concernedBy({ frame }: CaughtFrame): (text: string) => boolean {
  const { request_id, runtime } = identified.parse(JSON.parse(frame.text));
  return runtime === undefined
    ? (text) => text.includes(`"request_id":"${request_id}"`)
    : (text) => text.includes('"stream_delta"') && text.includes(runtime.agent_id);
}

function allOf({ frame }: CaughtFrame): (text: string) => boolean {
  const { request_id, runtime } = identified.parse(JSON.parse(frame.text));
  return (text) =>
    text.includes(`"request_id":"${request_id}"`) || (runtime !== undefined && text.includes(runtime.agent_id));
}

export const socketFaults = {
  "429 with retry time": refusal(429, "Too many requests", "Retry-After: 2\r\n"),
  "429 without retry time": refusal(429, "Too many requests"),
  "500 with HTML": refusal(500, "<html><h1>500 Internal Server Error</h1></html>", "Content-Type: text/html\r\n"),
  "502 with HTML": refusal(502, "<html><h1>502 Bad Gateway</h1></html>", "Content-Type: text/html\r\n"),
  "403": refusal(403, "Forbidden"),
  "401": refusal(401, "Unauthorized"),
  "time-out before it is stored": () => {},
  "time-out after it is stored": (caught) => {
    caught.intercept(allOf(caught), longerThanPatience, () => {});
    caught.pass();
  },
  "stall after the headers": comesAnew({ how: "stall" }),
  "cut in the body": spoilFirst(async (text, product) => {
    await new Promise((resolve) => product.send(half(text), { fin: false }, resolve));
    product.terminate();
  }),
  "truncated JSON": spoilFirst((text, product) => product.send(half(text))),
  "slow loris": spoilFirst(async (text, product) => {
    for (const letter of text.slice(0, drips)) {
      product.send(letter, { fin: false }, () => {});
      await sleep(dripEvery);
    }
    product.send(text.slice(drips), () => {});
  }),
  "refused for minutes": ({ refuseFor }) => refuseFor(refusedFor),
} satisfies Partial<Record<FaultName, SocketFault>>;

/** What is particular to a listing of agents. */
export const socketListingFaults = {
  "duplicate events": listings(doubled),
  "reordered events": listings(reversed),
  "next_batch that repeats": listings(samePage),
} satisfies Partial<Record<FaultName, SocketFault>>;

function listings(change: (agents: readonly unknown[]) => unknown[]): SocketFault {
  return spoilFirst((text, product) => {
    const answer = listed.parse(JSON.parse(text));
    product.send(JSON.stringify({ ...answer, agents: change(answer.agents) }));
  });
}

function half(text: string): string {
  return text.slice(0, Math.floor(text.length / 2));
}
