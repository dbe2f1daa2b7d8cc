/** Text in a terminal. */

const wide = /\p{Emoji_Presentation}|\p{Script=Han}|\p{Script=Hiragana}|\p{Script=Katakana}|\p{Script=Hangul}/u;

/** Columns that the text takes, near enough. */
export function widthOf(text: string): number {
  let width = 0;
  for (const character of text) width += wide.test(character) ? 2 : 1;
  return width;
}

/** A stranger's text without what a terminal would take as a command; line ends stay. */
export function printable(text: string): string {
  return text.replaceAll(/\r\n?/g, "\n").replaceAll(/[^\P{Cc}\n]|[\p{Cf}\p{Zl}\p{Zp}]/gu, " ");
}

/** Breaks between words where it can; the beginning of the result depends only on the beginning of the text. */
export function wrap(text: string, columns: number): string[] {
  return text.split("\n").flatMap((paragraph) => wrapParagraph(paragraph, Math.max(1, columns)));
}

function wrapParagraph(paragraph: string, columns: number): string[] {
  const lines: string[] = [];
  let line = "";
  let width = 0;
  const end = (): void => {
    lines.push(line.trimEnd());
    line = "";
    width = 0;
  };
  for (const word of paragraph.match(/\s*\S+/g) ?? []) {
    if (width + widthOf(word) > columns && width > 0) end();
    for (const character of width === 0 && lines.length > 0 ? word.trimStart() : word) {
      if (width + widthOf(character) > columns) end();
      line += character;
      width += widthOf(character);
    }
  }
  end();
  return lines;
}
