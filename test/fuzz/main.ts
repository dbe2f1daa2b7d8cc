import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { ensureSchemathesis } from "../servers/install.ts";
import { startFormerServer } from "./former-server.ts";
import { fuzz } from "./fuzz.ts";
import { startV1Server } from "./v1-server.ts";

/**
 * `npm run test:fuzz`: thousands of requests, made by Schemathesis of the OpenAPI documents.
 *
 *     node test/fuzz/main.ts [--cases 100] [--seed 7] [--only v1]
 *     node test/fuzz/main.ts --url http://127.0.0.1:8290 --document /api/v1/openapi.json --token lm_…
 *
 * Without an address it starts by itself the REST API, described by docs/openapi.json, and the former routes, on a
 * homeserver that stands for Synapse.
 */

const { values } = parseArgs({
  options: {
    cases: { type: "string", default: "100" },
    seed: { type: "string", default: String(Math.floor(Math.random() * 1e6)) },
    only: { type: "string" },
    url: { type: "string" },
    document: { type: "string", default: "/openapi/former.json" },
    token: { type: "string" },
    /** Where Schemathesis is, or is installed. */
    servers: { type: "string" },
  },
});

const { command } = await ensureSchemathesis(values.servers === undefined ? {} : { root: values.servers });
const seed = Number(values.seed);
const cases = Number(values.cases);

interface Target {
  readonly baseUrl: string;
  readonly document: string;
  /** What each round sends, besides the one that sends nothing. */
  readonly callers: readonly (readonly [name: string, headers: Readonly<Record<string, string>>])[];
  stop?(): Promise<void>;
}

async function targets(folder: string): Promise<Target[]> {
  const { url: baseUrl, document, token } = values;
  const callers = token === undefined ? [] : [["with a token", { authorization: `Bearer ${token}` }] as const];
  if (baseUrl !== undefined) return [{ baseUrl, document, callers }];
  const ours: Target[] = [];
  if (values.only !== "former") ours.push({ ...(await startV1Server()), document: "docs/openapi.json" });
  if (values.only !== "v1") ours.push({ ...(await startFormerServer(folder)), document });
  return ours;
}

const folder = await mkdtemp(join(tmpdir(), "fuzz-"));
console.log(`seed ${seed}`);
let passed = 0;
let failed = 0;
for (const { baseUrl, document, callers, stop } of await targets(folder)) {
  for (const [name, headers] of [["without a token", {}] as const, ...callers]) {
    console.log(`\n=== ${document}, ${name}`);
    try {
      await fuzz(name, { command, baseUrl, document, headers, cases, seed }, (line) => console.log(line));
      passed++;
    } catch (error) {
      console.log(error instanceof Error ? error.message.split("\n")[0] : error);
      failed++;
    }
  }
  await stop?.();
}
await rm(folder, { recursive: true, force: true });
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
