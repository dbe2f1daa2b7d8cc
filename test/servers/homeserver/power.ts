import { type Content, isObject } from "./entries.ts";
import { Fault, forbidden } from "./fault.ts";

/** What may be done in rooms: the specification's authorization rules, as far as they are in use. */

/** A room, as far as the rules go by it. */
export interface Governed {
  readonly id: string;
  readonly version: string;
  isIn(userId: string): boolean;
  state(type: string): { readonly sender: string; readonly content: Content } | undefined;
  content(type: string): Content | undefined;
}

const defaults: Readonly<Record<string, number>> = {
  ban: 50,
  kick: 50,
  redact: 50,
  invite: 0,
  state_default: 50,
  events_default: 0,
  users_default: 0,
};

export function hasPrivilegedCreators(version: string): boolean {
  return Number(version) >= 12;
}

export function powerOf(room: Governed, userId: string): number {
  const create = room.state("m.room.create");
  const creators = [create?.sender, ...listIn(create?.content, "additional_creators")];
  if (hasPrivilegedCreators(room.version) && creators.includes(userId)) return Number.POSITIVE_INFINITY;
  const levels = room.content("m.room.power_levels");
  if (levels === undefined) return create?.sender === userId ? 100 : 0;
  return numberIn(levels["users"], userId) ?? levelOf(room, "users_default");
}

export function levelOf(room: Governed, name: string): number {
  return numberIn(room.content("m.room.power_levels"), name) ?? defaults[name] ?? 0;
}

/** Throws unless the user may send this. Not for memberships. */
export function authorizeEvent(
  room: Governed,
  sender: string,
  type: string,
  stateKey: string | undefined,
  content: Content,
): void {
  if (!room.isIn(sender)) throw forbidden(`User ${sender} not in room ${room.id}`);
  const levels = room.content("m.room.power_levels");
  const needed =
    numberIn(levels?.["events"], type) ?? levelOf(room, stateKey === undefined ? "events_default" : "state_default");
  const own = powerOf(room, sender);
  if (own < needed)
    throw forbidden(`You don't have permission to post that to the room. user_level (${own}) < send_level (${needed})`);
  if (stateKey?.startsWith("@") === true && stateKey !== sender)
    throw forbidden("You are not allowed to set others state");
  if (type === "m.room.create") throw forbidden("There is one already");
  if (type === "m.room.power_levels") authorizeLevels(room, own, content);
}

function authorizeLevels(room: Governed, own: number, next: Content): void {
  const present = room.content("m.room.power_levels") ?? {};
  const creator = room.state("m.room.create")?.sender ?? "";
  if (hasPrivilegedCreators(room.version) && isObject(next["users"]) && Object.hasOwn(next["users"], creator))
    throw new Fault(400, "M_BAD_JSON", `Creator user ${creator} must not appear in content.users`);
  for (const [name, before, after] of [
    ...changes(present, next).filter(([name]) => name !== "users" && name !== "events"),
    ...changes(present["events"], next["events"]),
  ]) {
    if ((before ?? 0) > own || (after ?? 0) > own) throw forbidden(`You don't have permission to change ${name}`);
  }
  for (const [user, before, after] of changes(present["users"], next["users"])) {
    if ((after ?? 0) > own) throw forbidden(`You don't have permission to add ops level greater than your own`);
    // One's own level may be given up; that of an equal may not be taken.
    if (before !== undefined && before > own) throw forbidden(`You cannot change the level of ${user}`);
  }
}

type Change = readonly [name: string, before: number | undefined, after: number | undefined];

function changes(before: unknown, after: unknown): readonly Change[] {
  const names = new Set([before, after].flatMap((levels) => (isObject(levels) ? Object.keys(levels) : [])));
  return [...names]
    .map((name): Change => [name, numberIn(before, name), numberIn(after, name)])
    .filter(([, one, other]) => one !== other);
}

/** In rooms of old versions it may be a string. */
function numberIn(levels: unknown, name: string): number | undefined {
  const level = isObject(levels) && Object.hasOwn(levels, name) ? levels[name] : undefined;
  if (typeof level === "string" && /^\s*[+-]?\d+\s*$/.test(level)) return Number(level);
  return typeof level === "number" ? level : undefined;
}

function listIn(content: Content | undefined, name: string): readonly unknown[] {
  const list = content?.[name];
  return Array.isArray(list) ? list : [];
}
