import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PlainText, TerminalText } from "../../demo/live-text.ts";
import { wrap } from "../../demo/wrap.ts";

/** As much of a terminal as is used: line ends, carriage return, cursor up, clear to the end. */
class Terminal {
  readonly isTTY = true;
  readonly columns = 40;
  readonly rows = 50;
  #lines: string[] = [""];
  #row = 0;
  #column = 0;

  write(text: string): void {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what terminals are told with.
    for (const [part, , up] of text.matchAll(/\n|\r|\x1b\[((\d+)A|J)|[^\n\r\x1b]+/g)) {
      if (part === "\n") {
        this.#row += 1;
        this.#column = 0;
        this.#lines[this.#row] ??= "";
      } else if (part === "\r") this.#column = 0;
      else if (up !== undefined) this.#row -= Number(up);
      else if (part.endsWith("J"))
        this.#lines = [...this.#lines.slice(0, this.#row), this.#line.slice(0, this.#column)];
      else {
        const after = this.#line.slice(this.#column + part.length);
        this.#lines[this.#row] = this.#line.slice(0, this.#column) + part + after;
        this.#column += part.length;
      }
    }
  }

  get screen(): readonly string[] {
    return this.#lines;
  }

  get #line(): string {
    return this.#lines[this.#row] ?? "";
  }
}

const text = fc.string({ unit: fc.constantFrom("a", "bc", " ", "\n", "longer", " words "), maxLength: 80 });

describe("a growing text", () => {
  it("leaves nothing but its last state in a terminal, however it has changed", () => {
    fc.assert(
      fc.property(fc.array(text), text, (states, last) => {
        const terminal = new Terminal();
        const live = new TerminalText(terminal, "Scout ", 6);
        for (const state of states) live.show(state);
        live.end(last);
        const expected = wrap(last.trim(), 33).map((line, index) => `${index === 0 ? "Scout " : "      "}${line}`);
        expect(terminal.screen).toEqual([...expected, ""]);
      }),
    );
  });

  it("redraws only the lines that have changed", () => {
    const written: string[] = [];
    const output = { write: (part: string) => void written.push(part), isTTY: true, columns: 20, rows: 10 };
    const live = new TerminalText(output, "S ", 2);
    live.show("one two three four five");
    live.show("one two three four five six");
    expect(written).toEqual(["S one two three\n  four five▌", "\r\x1b[J  four five six▌"]);
  });

  it("shows none of a stranger's terminal commands", () => {
    const terminal = new Terminal();
    new TerminalText(terminal, "", 0).end("red \x1b[31m\x07 bell‮ and more");
    expect(terminal.screen).toEqual(["red  [31m  bell  and more", ""]);
  });

  it("is lines of what is new where nothing can be redrawn, without halves of words", () => {
    const lines: string[] = [];
    const live = new PlainText({ write: (line) => void lines.push(line) }, "Scout ");
    for (const state of ["", "one tw", "one two three fo", "one two three fo"]) live.show(state);
    live.end("one two three four");
    expect(lines).toEqual(["Scout one\n", "Scout two three\n", "Scout four\n"]);
  });

  it("is printed anew in lines when it has become another", () => {
    const lines: string[] = [];
    const live = new PlainText({ write: (line) => void lines.push(line) }, "");
    live.show("first try ");
    live.end("second try");
    expect(lines).toEqual(["first try\n", "second try\n"]);
  });
});

describe("wrapping", () => {
  it("breaks between words, splits what is too long, and keeps line ends", () => {
    expect(wrap("one two three", 8)).toEqual(["one two", "three"]);
    expect(wrap("abcdefghij k", 4)).toEqual(["abcd", "efgh", "ij k"]);
    expect(wrap("a\n\n  b", 10)).toEqual(["a", "", "  b"]);
    expect(wrap("日本語 です", 6)).toEqual(["日本語", "です"]);
  });

  it("never makes a line too long and loses no word", () => {
    fc.assert(
      fc.property(text, fc.integer({ min: 1, max: 30 }), (long, columns) => {
        const lines = wrap(long, columns);
        expect(lines.every((line) => line.length <= columns)).toBe(true);
        expect(lines.join("").replaceAll(/\s/g, "")).toBe(long.replaceAll(/\s/g, ""));
      }),
    );
  });
});
