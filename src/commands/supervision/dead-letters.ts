import { z } from "zod";
import type { DeadLetter } from "../../runtime/dead-letter.ts";
import type { Command } from "../command.ts";
import { pageOf, paging } from "../paging.ts";
import { type DeadLetterStatus, deadLetter, deadLetterList } from "./schema.ts";

const listing = z.strictObject(paging);

/** All that actors could not bear, of whatever kind they are. */
export const deadLettersQuery: Command<typeof listing, typeof deadLetterList, "host" | "clock" | "server"> = {
  name: "dead-letters.list",
  summary: "What actors could not bear and what could not be done: of which type, when, and which crash tells why.",
  guidance: "For an operator who decides: replay it once its cause is mended, or drop it.",
  scope: "admin:read",
  changes: false,
  input: listing,
  output: deadLetterList,
  async run(asked, { host, clock, server }) {
    const { shown, following } = pageOf("dead-letters", await host.deadLetters.list(), placeOf, asked);
    return { server, at: clock.now(), letters: shown.map(letterStatus), ...following };
  },
};

/** An id has numbers that count up. */
function placeOf({ id }: DeadLetter): string {
  return id.replaceAll(/\d+/g, (number) => number.padStart(16, "0"));
}

const one = z.strictObject({ id: z.string().min(1).describe("The dead letter's id.") });

/** Gives a dead letter to its actor once more. */
export const deadLettersReplay: Command<typeof one, typeof deadLetter, "host"> = {
  name: "dead-letters.replay",
  summary: "Gives a dead letter to its actor once more, or has the action done once more.",
  guidance: "By its id from `dead-letters.list`, once its cause is mended.",
  scope: "admin:control",
  changes: true,
  input: one,
  output: deadLetter,
  async run({ id }, { host }) {
    return letterStatus(await host.deadLetters.replay(id));
  },
};

const dropping = z.strictObject({
  id: z.string().min(1).describe("The dead letter's id."),
  /** For the log. */
  reason: z.string().trim().min(1).max(500).describe("Why, for the log."),
});

/** Forgets a dead letter. */
export const deadLettersDrop: Command<typeof dropping, typeof deadLetter, "host"> = {
  name: "dead-letters.drop",
  summary: "Forgets a dead letter for good; the log keeps the reason.",
  guidance: "By its id from `dead-letters.list`. Whoever waited for it gets nothing more.",
  scope: "admin:control",
  changes: true,
  input: dropping,
  output: deadLetter,
  async run({ id, reason }, { host }) {
    return letterStatus(await host.deadLetters.drop(id, reason));
  },
};

export function letterStatus({ error, ...letter }: DeadLetter): DeadLetterStatus {
  return { ...letter, ...(error !== undefined && { error: error.message }) };
}
