import type { TableLayout } from "./table.ts";

/** How what is printed can be shown; a pipe has neither width nor colour. */
export interface Terminal {
  readonly width?: number | undefined;
  readonly colour: boolean;
}

const controlSequence = "\u001b[";

/** Wipes the screen and begins at its top again. */
export const wipe = `${controlSequence}H${controlSequence}2J${controlSequence}3J`;

/** Tables as this terminal shows them: `alarming` ones are about what needs somebody. */
export function layoutFor({ width, colour }: Terminal, kind: "plain" | "waiting" | "alarming" = "plain"): TableLayout {
  const code = { plain: "1", waiting: "1;33", alarming: "1;31" }[kind];
  return {
    width,
    ...(colour && { heading: (text: string) => `${controlSequence}${code}m${text}${controlSequence}0m` }),
  };
}

interface Stream {
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** Colour only where a person looks, and none for who wants none (https://no-color.org). */
export function terminalOf(
  { isTTY = false, columns }: Stream,
  env: Readonly<Record<string, string | undefined>>,
): Terminal {
  if (!isTTY) return { colour: false };
  const { NO_COLOR: noColour = "", TERM: term } = env;
  return { width: columns, colour: noColour === "" && term !== "dumb" };
}
