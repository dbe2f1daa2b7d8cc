import { printable, wrap } from "./wrap.ts";

/** Where it is written: a terminal, a pipe, or a test's list. */
export interface Output {
  write(text: string): void;
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
}

/** What somebody says, shown while it grows. */
export interface LiveText {
  /** The whole text up to now. */
  show(text: string): void;
  /** The whole text, which changes no more. */
  end(text: string): void;
}

const cursor = "▌";

/** Redraws what has changed; most of the time that is the last line. `head` stands before the first line. */
export class TerminalText implements LiveText {
  readonly #output: Output;
  readonly #head: string;
  readonly #indent: string;
  #shown: readonly string[] = [];

  /** `indent` is how many columns the head takes, and the other lines leave free. */
  constructor(output: Output, head: string, indent: number) {
    this.#output = output;
    this.#head = head;
    this.#indent = " ".repeat(indent);
  }

  show(text: string): void {
    this.#draw(`${printable(text).trim()}${cursor}`);
  }

  end(text: string): void {
    this.#draw(printable(text).trim());
    this.#output.write("\n");
    this.#shown = [];
  }

  #draw(text: string): void {
    const { columns = 80, rows = 24 } = this.#output;
    const lines = wrap(text, Math.min(columns, 100) - this.#indent.length - 1).map(
      (line, index) => `${index === 0 ? this.#head : this.#indent}${line}`,
    );
    // What has scrolled out of the window cannot be redrawn.
    const reachable = Math.max(0, this.#shown.length - rows + 1);
    const differing = lines.findIndex((line, index) => line !== this.#shown[index]);
    if (differing < 0 && lines.length === this.#shown.length) return;
    // Of a shorter text, the last line is drawn again, and what was below it is gone.
    const from = Math.max(reachable, differing < 0 ? lines.length - 1 : differing);
    this.#output.write(`${this.#moveTo(from)}${lines.slice(from).join("\n")}`);
    this.#shown = lines;
  }

  /** From the end of what is shown to the beginning of a line. */
  #moveTo(index: number): string {
    if (this.#shown.length === 0) return "";
    if (index >= this.#shown.length) return "\n";
    const up = this.#shown.length - 1 - index;
    return `\r${up > 0 ? `\x1b[${up}A` : ""}\x1b[J`;
  }
}

/** Prints what is new as a line of its own: for files and pipes, where nothing can be redrawn. */
export class PlainText implements LiveText {
  readonly #output: Output;
  readonly #head: string;
  #printed = "";

  constructor(output: Output, head: string) {
    this.#output = output;
    this.#head = head;
  }

  show(text: string): void {
    // The last word may still grow.
    this.#print(printable(text).replace(/\S*$/, ""));
  }

  end(text: string): void {
    this.#print(printable(text));
  }

  #print(text: string): void {
    const fresh = text.startsWith(this.#printed) ? text.slice(this.#printed.length) : text;
    if (fresh.trim() === "") return;
    for (const line of fresh.trim().split("\n")) this.#output.write(`${this.#head}${line}\n`);
    this.#printed = text;
  }
}
