import type { Console } from "../../src/cli/console.ts";

/** A console that keeps what is printed. */
export function printing() {
  const printed = { out: "", err: "" };
  const console: Console = {
    out(text) {
      printed.out += text;
    },
    err(text) {
      printed.err += text;
    },
  };
  return { printed, console };
}
