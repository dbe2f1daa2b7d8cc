/**
 * About how wide a text is in a sans-serif font, in px: a drawing is laid out where no browser measures, and shown in
 * whatever font the viewer has. Errs on the wide side.
 */
export function textWidth(text: string, fontSize: number): number {
  let width = 0;
  for (const char of text) width += widthOf(char);
  return width * fontSize;
}

function widthOf(char: string): number {
  if (/[iljtfr.,:;'|!()[\]/ ]/.test(char)) return 0.38;
  if (/[mwMW—]/.test(char)) return 0.92;
  return /[A-Z_]/.test(char) ? 0.78 : 0.62;
}
