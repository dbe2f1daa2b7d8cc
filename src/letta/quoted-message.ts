/**
 * What the last `message` in a text of JSON says, which may stand within a string of JSON, and that again; `undefined` where
 * there is none, or an empty one. Quotation marks in it have more backslashes than those around it.
 */
export function quotedMessage(text: string): string | undefined {
  const last = [...text.matchAll(/(?<!\\)(\\*)"message\1":\s*\1"(.*?)(?<!\\)\1"/gs)].at(-1)?.[2];
  const plain = last?.replaceAll(/\\+(?<escaped>["n])/g, (_, escaped: string) => (escaped === "n" ? "\n" : escaped));
  return plain === "" ? undefined : plain;
}
