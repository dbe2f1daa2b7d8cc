import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { type Order, type State, state } from "./orders.ts";

const script = fileURLToPath(new URL("child.ts", import.meta.url));

/** A process that runs couriers, and can be killed. */
export class CourierProcess {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #exited: Promise<unknown>;
  readonly #acknowledged: (id: string) => void;
  #waiting: { readonly word: string; readonly heard: (rest: string) => void }[] = [];
  #trouble = "";

  private constructor(child: ChildProcessWithoutNullStreams, acknowledged: (id: string) => void) {
    this.#child = child;
    this.#acknowledged = acknowledged;
    this.#exited = once(child, "exit");
    createInterface({ input: child.stdout }).on("line", (line) => this.#hear(line));
    child.stderr.on("data", (text) => {
      this.#trouble += text;
    });
    child.stdin.on("error", () => undefined);
  }

  /** Resolves when it has taken up what the one before it left. */
  static async start(
    folder: string,
    outside: string,
    commitDelay: number,
    acknowledged: (id: string) => void,
  ): Promise<CourierProcess> {
    const process = new CourierProcess(
      spawn(globalThis.process.execPath, [script, folder, outside, `${commitDelay}`]),
      acknowledged,
    );
    await process.#next("ready");
    return process;
  }

  tell(order: Order): void {
    this.#child.stdin.write(`${JSON.stringify(order)}\n`);
  }

  async state(): Promise<State> {
    this.tell({ do: "state" });
    return state.parse(JSON.parse(await this.#next("state")));
  }

  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#exited;
  }

  async stop(): Promise<void> {
    this.tell({ do: "stop" });
    await this.#exited;
  }

  #next(word: string): Promise<string> {
    const heard = new Promise<string>((resolve) => this.#waiting.push({ word, heard: resolve }));
    const died = this.#exited.then(() => {
      throw new Error(`the process ended before it said "${word}": ${this.#trouble}`);
    });
    return Promise.race([heard, died]);
  }

  #hear(line: string): void {
    const [word = "", ...rest] = line.split(" ");
    if (word === "ack") return this.#acknowledged(rest.join(" "));
    const [due] = this.#waiting;
    if (due?.word !== word) return;
    this.#waiting = this.#waiting.slice(1);
    due.heard(rest.join(" "));
  }
}
