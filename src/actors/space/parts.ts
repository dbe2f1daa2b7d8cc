/** How the parts of the space are named: the first is the space itself. */

export interface SpaceNames {
  readonly server: string;
  readonly name: string;
  readonly aliasLocalpart: string;
}

export function aliasLocalpartOf({ aliasLocalpart }: SpaceNames, part: number): string {
  return part === 1 ? aliasLocalpart : `${aliasLocalpart}-${part}`;
}

export function aliasOf(names: SpaceNames, part: number): string {
  return `#${aliasLocalpartOf(names, part)}:${names.server}`;
}

export function nameOf({ name }: SpaceNames, part: number): string {
  return part === 1 ? name : `${name} ${part}`;
}

export function topicOf({ name }: SpaceNames, part: number): string {
  return part === 1 ? "Every Letta agent has its room here." : `More rooms of ${name}.`;
}

/** In place of an agent's id in the marker. */
export function ownerOf(part: number): string {
  return part === 1 ? "space" : `space/${part}`;
}

/** Into the further parts everybody comes who is in the space. */
export function joinRulesOf(part: number, spaceId: string) {
  if (part === 1) return { join_rule: "invite" };
  return { join_rule: "restricted", allow: [{ type: "m.room_membership", room_id: spaceId }] };
}
