import { styleText } from "node:util";
import { type LiveText, type Output, PlainText, TerminalText } from "./live-text.ts";

const frames = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const frameMs = 100;
/** Columns for what stands at the left: names of steps, of speakers, of facts. */
const leftColumns = 17;

type Style = Parameters<typeof styleText>[0];

/** What the demo shows: lines that stay, and, in a terminal, one line at the end that tells what is being done. */
export class Screen {
  readonly #output: Output;
  /** What is being done, with a word on how far it is. */
  readonly #running = new Map<string, string>();
  #spinner: NodeJS.Timeout | undefined;
  #frame = 0;
  /** Lines that wait for the end of what somebody says. */
  #held: string[] | undefined;

  constructor(output: Output) {
    this.#output = output;
  }

  line(text = ""): void {
    if (this.#held !== undefined) {
      this.#held.push(text);
      return;
    }
    this.#clear();
    this.#output.write(`${text}\n`);
    this.#spin();
  }

  heading(text: string): void {
    this.line();
    this.line(this.#style("bold", text));
  }

  /** One fact: what it is, and its value. */
  fact(name: string, value: string): void {
    this.line(`  ${this.#style("dim", name.padEnd(leftColumns - 2))}${value}`);
  }

  /** Something to do, and where it is done. */
  hint(text: string): void {
    this.line(`  ${text}`);
  }

  /** A command to copy: nothing stands before it. */
  command(text: string): void {
    for (const line of text.split("\n")) this.line(this.#style("cyan", line));
  }

  problem(text: string): void {
    const [first = "", ...rest] = text.split("\n");
    this.line(`  ${this.#style("red", "✘")} ${first}`);
    for (const line of rest) this.line(`    ${line}`);
  }

  /** Shows that something is being done until it has ended, and then what has come of it and how long it took. */
  async step<T>(name: string, work: Promise<T>, result: (value: T) => string): Promise<T> {
    const begun = performance.now();
    this.#running.set(name, "");
    this.#spin();
    try {
      const value = await work;
      const seconds = ((performance.now() - begun) / 1_000).toFixed(1);
      this.#running.delete(name);
      const done = `  ${this.#style("green", "✔")} ${name.padEnd(leftColumns - 4)}${result(value)}`;
      this.line(`${done} ${this.#style("dim", `(${seconds} s)`)}`);
      return value;
    } finally {
      this.#running.delete(name);
      this.#clear();
      this.#spin();
    }
  }

  /** How far a step has come. */
  progress(name: string, text: string): void {
    if (this.#output.isTTY === true) this.#running.set(name, text);
    else this.#output.write(`    ${name}: ${text}\n`);
  }

  /** Begins to show what somebody says; other lines wait for its end. */
  speaker(name: string, style: Style): LiveText {
    const head = `  ${this.#style(style, name.padEnd(leftColumns - 2))}`;
    const text =
      this.#output.isTTY === true
        ? new TerminalText(this.#output, head, leftColumns)
        : new PlainText(this.#output, head);
    this.#held = [];
    return {
      show: (shown) => text.show(shown),
      end: (whole) => {
        text.end(whole);
        const held = this.#held ?? [];
        this.#held = undefined;
        for (const line of held) this.line(line);
      },
    };
  }

  /** Frees the terminal's last line for good. */
  close(): void {
    this.#running.clear();
    this.#clear();
    this.#stopSpinner();
  }

  #spin(): void {
    if (this.#output.isTTY !== true) return;
    if (this.#running.size === 0) this.#stopSpinner();
    else this.#spinner ??= setInterval(() => this.#drawSpinner(), frameMs);
  }

  #stopSpinner(): void {
    clearInterval(this.#spinner);
    this.#spinner = undefined;
  }

  #drawSpinner(): void {
    this.#frame = (this.#frame + 1) % frames.length;
    const names = [...this.#running].map(([name, text]) => (text === "" ? name : `${name}: ${text}`));
    const room = (this.#output.columns ?? 80) - 6;
    const text = names.join("  ·  ");
    const short = text.length > room ? `${text.slice(0, room - 1)}…` : text;
    this.#output.write(`\r\x1b[2K  ${this.#style("cyan", frames[this.#frame] ?? "")} ${short}`);
  }

  #clear(): void {
    if (this.#spinner !== undefined) this.#output.write("\r\x1b[2K");
  }

  #style(style: Style, text: string): string {
    return this.#output.isTTY === true ? styleText(style, text) : text;
  }
}
