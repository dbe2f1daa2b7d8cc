/** Characters from which on a text is taken for a part of the answer that has it, and not for a common phrase. */
const telling = 40;

/**
 * Whether what a run said is what an answer in a room says: all of it, or as much as one of a turn's several runs. Where
 * messages and parts are joined differs, so that white space does not count.
 */
export function isSameAnswer(answer: string, said: string): boolean {
  const whole = bare(answer);
  const part = bare(said);
  return whole === part || (part.length >= telling && whole.includes(part));
}

function bare(text: string): string {
  return text.toWellFormed().replace(/\s+/g, "");
}
