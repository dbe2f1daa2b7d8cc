import { Agent, request } from "node:http";

/** Requests with nothing around them. */

export interface Raw {
  readonly baseUrl: string;
  readonly token: string;
}

const agent = new Agent({ keepAlive: true });

export function call(
  { baseUrl, token }: Raw,
  method: string,
  path: string,
  body?: object,
): Promise<Record<string, unknown>> {
  return new Promise((resolve, reject) => {
    const text = body === undefined ? undefined : JSON.stringify(body);
    const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
    const outgoing = request(`${baseUrl}/_matrix/client/v3${path}`, { method, agent, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => resolve(JSON.parse(Buffer.concat(chunks).toString())));
      response.on("error", reject);
    });
    outgoing.on("error", reject);
    outgoing.end(text);
  });
}
