import { randomUUID } from "node:crypto";
import type { Socket } from "node:net";
import { answerHeaders } from "./answer-headers.ts";
import { problemOf } from "./problem.ts";

/** By Node's codes of what it can make no request of; all else is not well-formed. */
const statusOf: Readonly<Record<string, number>> = {
  ERR_HTTP_REQUEST_TIMEOUT: 408,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  HPE_HEADER_OVERFLOW: 431,
};

/** Refuses what is no request, so that no route and no hook hears of it, and ends its connection. */
export function refuseConnection({ code }: { readonly code: string }, socket: Socket): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const requestId = randomUUID();
  const statusCode = statusOf[code] ?? 400;
  const { problem } = problemOf(Object.assign(new Error(), { statusCode }), requestId);
  const body = JSON.stringify(problem);
  const headers = {
    ...answerHeaders(requestId),
    "content-type": "application/problem+json",
    "content-length": Buffer.byteLength(body),
    connection: "close",
  };
  const head = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${statusCode} ${problem.title}\r\n${head.join("")}\r\n${body}`, () => socket.destroy());
}
