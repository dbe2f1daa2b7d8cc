import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { ensureSchemathesis } from "../servers/install.ts";
import { startFormerServer } from "./former-server.ts";
import { fuzz } from "./fuzz.ts";

/**
 * `npm run test:fuzz`: thousands of requests, made by Schemathesis of the OpenAPI documents.
 *
 *     node test/fuzz/main.ts [--cases 100] [--seed 7]
 *     node test/fuzz/main.ts --url http://127.0.0.1:8290 --document /api/v1/openapi.json --token lm_…
 *
 * Without an address it starts the former routes by itself, on a homeserver that stands for Synapse.
 */

const { values } = parseArgs({
  options: {
    cases: { type: "string", default: "100" },
    seed: { type: "string", default: String(Math.floor(Math.random() * 1e6)) },
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
const folder = await mkdtemp(join(tmpdir(), "fuzz-"));
const started = values.url === undefined ? await startFormerServer(folder) : undefined;
const baseUrl = started?.baseUrl ?? values.url ?? "";
const rounds: readonly (readonly [name: string, headers: Readonly<Record<string, string>>])[] = [
  ["without a token", {}],
  ...(started?.callers ?? []),
  ...(values.token === undefined ? [] : [["with a token", { authorization: `Bearer ${values.token}` }] as const]),
];

console.log(`seed ${seed}`);
let passed = 0;
let failed = 0;
for (const [name, headers] of rounds) {
  console.log(`\n=== ${name}`);
  try {
    await fuzz(name, { command, baseUrl, document: values.document, headers, cases, seed }, (line) =>
      console.log(line),
    );
    passed++;
  } catch (error) {
    console.log(error instanceof Error ? error.message.split("\n")[0] : error);
    failed++;
  }
}
await started?.stop();
await rm(folder, { recursive: true, force: true });
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
