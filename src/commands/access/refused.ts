/** The caller may not have this, or not so; nothing was done. */
export abstract class CallRefused extends Error {
  abstract readonly remedy: string;
}
