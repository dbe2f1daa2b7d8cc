import { setTimeout as sleep } from "node:timers/promises";

/** Resolves with what `look` finds; it is asked again and again, for what nobody tells of by itself. */
export async function eventually<T>(
  what: string,
  look: () => T | undefined | Promise<T | undefined>,
  withinMs = 60_000,
  every = 100,
): Promise<T> {
  const deadline = Date.now() + withinMs;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (Date.now() > deadline) throw new Error(`waited ${withinMs} ms in vain for ${what}`);
    await sleep(every);
  }
}
