/** A number in [0, 1) that depends on the text alone (32-bit FNV-1a). */
export function fraction(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  // FNV's low bits move more than its high ones: fold them before taking the fraction.
  return (((hash >>> 16) ^ hash) & 0xffff) / 0x10000;
}

/** The part of a delay that is left of it at least. */
export const shortened = 0.8;

/** A delay made up to a fifth longer or shorter. */
export function jittered(delay: number, text: string): number {
  return Math.round(delay * (shortened + 2 * (1 - shortened) * fraction(text)));
}
