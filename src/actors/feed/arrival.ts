import type { PushedEvent } from "../../matrix/port.ts";

/**
 * When the homeserver got an event, ms since the epoch, as far as it tells. That something was said long before, as a bridge
 * says that passes it on, or another homeserver whose clock is slow, is no sign that it is pushed late.
 */
export function arrivalOf({ age, originServerTs }: Pick<PushedEvent, "age" | "originServerTs">, now: number): number {
  return age === undefined ? originServerTs : now - age;
}
