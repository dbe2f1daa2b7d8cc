import { type ProcessOptions, type RunningProcess, startProcess } from "./process.ts";

/** A server that can be killed and started again on the same data and port. */
export interface Restartable {
  /** Of the present or last start. */
  readonly pid: number;
  /** Sends a signal to the server and all its children; SIGKILL also waits for its end. */
  kill(signal: NodeJS.Signals): Promise<void>;
  /** Starts it again (ends it first when it runs) and resolves when it is ready. */
  restart(): Promise<void>;
  /** Ends it for good: SIGTERM, then SIGKILL. Calling it again does nothing. */
  stop(): Promise<void>;
}

/** Starts the process; `options` is asked anew at each start. */
export async function startRestartable(options: () => Promise<ProcessOptions>): Promise<Restartable> {
  let current: RunningProcess = await startProcess(await options());
  return {
    get pid() {
      return current.pid;
    },
    kill: (signal) => current.kill(signal),
    async restart() {
      await current.stop();
      current = await startProcess(await options());
    },
    stop: () => current.stop(),
  };
}
