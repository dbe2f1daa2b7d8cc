import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { explain } from "../src/cli/console.ts";
import { prepareDemo, runDemo } from "./demo.ts";
import { Screen } from "./screen.ts";
import type { Scope } from "./servers.ts";
import { listenForStop, StopRequested } from "./stop-request.ts";

const usage = `Starts Synapse, Letta and letta-matrix on this machine, and talks with three agents.

npm run demo [-- options]
  --once         end after the conversation; the exit status is 1 when an answer failed
  --data FOLDER  keep everything in FOLDER (default: .servers/demo)
  --help

A real model: ANTHROPIC_API_KEY=… or OPENAI_API_KEY=…; DEMO_MODEL names another than the default.
A server that speaks OpenAI's protocol: OPENAI_BASE_URL=http://127.0.0.1:11434/v1 DEMO_MODEL=…
`;

const exitCode = { ok: 0, failed: 1, usage: 2, interrupted: 130 } as const;

interface Arguments {
  readonly folder: string;
  readonly once: boolean;
  readonly help: boolean;
}

function readArguments(args: readonly string[]): Arguments {
  const { values } = parseArgs({
    args: [...args],
    options: { once: { type: "boolean" }, data: { type: "string" }, help: { type: "boolean", short: "h" } },
  });
  return {
    folder: resolve(values.data ?? resolve(import.meta.dirname, "..", ".servers", "demo")),
    once: values.once ?? false,
    help: values.help ?? false,
  };
}

async function main(): Promise<number> {
  let options: Arguments;
  try {
    options = readArguments(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`${explain(error)}\n\n${usage}`);
    return exitCode.usage;
  }
  if (options.help) {
    process.stdout.write(usage);
    return exitCode.ok;
  }
  const stop = listenForStop(
    process,
    () => performance.now(),
    () => process.exit(exitCode.interrupted),
  );
  // A terminal that has been closed takes nothing any more, but what was started has to be stopped all the same.
  process.stdout.on("error", () => undefined);
  const screen = new Screen(process.stdout);
  try {
    return await play(options, { screen, started: new AsyncDisposableStack(), stop });
  } catch (error) {
    if (error instanceof StopRequested) return options.once ? exitCode.interrupted : exitCode.ok;
    screen.problem(explain(error));
    return exitCode.failed;
  } finally {
    screen.close();
  }
}

async function play(options: Arguments, scope: Scope): Promise<number> {
  const { screen, started } = scope;
  const choice = await prepareDemo({ ...options, env: process.env }, scope);
  try {
    return (await runDemo(options, choice, scope)) ? exitCode.ok : exitCode.failed;
  } finally {
    screen.line();
    await screen.step("stopping", started.disposeAsync(), () => "everything has ended");
  }
}

// What is still being installed or started at this point is ended by the guards that watch over it.
process.exit(await main());
