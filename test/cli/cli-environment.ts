import type { Console } from "../../src/cli/console.ts";
import type { CliEnvironment } from "../../src/cli/program.ts";

const nothing = () => Promise.reject(new Error("nothing of the kind is done here"));

/** A command line in which nothing can be run, examined, opened or waited for, unless a test says how. */
export function cliEnvironment({ console }: { readonly console: Console }): CliEnvironment {
  return {
    version: "1.2.3",
    env: {},
    console,
    asking: {},
    examining: { openPatient: nothing },
    looking: { terminal: () => ({ colour: false }), openLastKnown: nothing, sleep: nothing },
    tooling: { serveTools: nothing },
    storing: { openIdleStorage: nothing },
    adopting: { openStore: nothing, sleep: nothing },
    running: {
      createApp: nothing,
      now: () => 0,
      exit: () => undefined,
      onStopRequest: () => () => undefined,
      onReloadRequest: () => () => undefined,
    },
  };
}
