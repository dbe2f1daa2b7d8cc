/** Actions and guards as they stand in a chart, for people. */

/** A name, or what a built-in does: `raise FOUND`, `send STOP to timer`, `spawn poll`. */
export function actionText(action: unknown): string {
  if (typeof action === "string") return action;
  const type = text(action, "type");
  if (typeof action !== "function") return type ?? "?";
  switch (type) {
    case "xstate.raise":
      return `raise ${eventType(action)}${delayed(action)}`;
    case "xstate.sendTo":
      return `send ${eventType(action)} to ${text(action, "to") ?? "an actor"}${delayed(action)}`;
    case "xstate.spawnChild":
      return `spawn ${text(action, "src") ?? "an actor"}`;
    case "xstate.stopChild":
      return `stop ${text(action, "actorRef") ?? "an actor"}`;
    case "xstate.cancel":
      return `cancel ${text(action, "sendId") ?? "a timer"}`;
    default:
      return type?.replace(/^xstate\./, "") ?? "an inline action";
  }
}

/** A name, or names joined by `and`, `or`, `not`, `in`. */
export function guardText(guard: unknown): string {
  if (typeof guard === "string") return guard;
  if (typeof guard !== "function") return text(guard, "type") ?? "?";
  const nested: unknown = Reflect.get(guard, "guards");
  if (Array.isArray(nested)) {
    const parts = nested.map((one) => (isCombined(one) ? `(${guardText(one)})` : guardText(one)));
    return guard.name === "not" ? `not ${parts.join(" ")}` : parts.join(` ${guard.name} `);
  }
  const stateValue: unknown = Reflect.get(guard, "stateValue");
  return stateValue === undefined ? "an inline guard" : `in ${stateText(stateValue)}`;
}

export function delayText(delay: unknown): string {
  return typeof delay === "number" ? `${delay} ms` : typeof delay === "string" ? delay : "a computed time";
}

/** True for what XState itself adds to entry and exit to keep the timers of `after`. */
export function isOwnTimer(action: unknown): boolean {
  const id = text(action, "id") ?? text(action, "sendId");
  return typeof action === "function" && id?.startsWith("xstate.after.") === true;
}

function isCombined(guard: unknown): boolean {
  const nested: unknown = typeof guard === "function" ? Reflect.get(guard, "guards") : undefined;
  return Array.isArray(nested) && nested.length > 1;
}

function eventType(action: object): string {
  return text(Reflect.get(action, "event"), "type") ?? "an event";
}

function delayed(action: object): string {
  const delay: unknown = Reflect.get(action, "delay");
  return delay === undefined ? "" : ` after ${delayText(delay)}`;
}

function stateText(value: unknown): string {
  if (typeof value === "string") return value.replace(/^#/, "");
  return Object.entries(Object(value))
    .map(([key, inner]) => `${key}.${stateText(inner)}`)
    .join(", ");
}

function text(from: unknown, key: string): string | undefined {
  const value: unknown =
    (typeof from === "object" && from !== null) || typeof from === "function" ? Reflect.get(from, key) : undefined;
  return typeof value === "string" ? value : undefined;
}
