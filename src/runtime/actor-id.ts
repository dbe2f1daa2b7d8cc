/**
 * The address of a host actor: `<realm>/<machine>/<part>/…`, each part percent-encoded, so that ids sort by realm and
 * machine and can be taken apart again. The realm names the outside world the actor lives in (one homeserver, say).
 */
export type ActorId = string & { readonly __actorId: unique symbol };

const separator = "/";

export function actorId(realm: string, machine: string, ...key: readonly string[]): ActorId {
  return brand([realm, machine, ...key].map(encodeURIComponent).join(separator));
}

/** The parts an id was made of. Throws a RangeError for text that {@link actorId} cannot have made. */
export function partsOf(id: ActorId): { realm: string; machine: string; key: readonly string[] } {
  const [realm, machine, ...key] = id.split(separator).map(decodeURIComponent);
  if (realm === undefined || machine === undefined) throw new RangeError(`not an actor id: "${id}"`);
  return { realm, machine, key };
}

/** Reads an id that was stored or typed by a person. */
export function parseActorId(text: string): ActorId {
  const { realm, machine, key } = partsOf(brand(text));
  const id = actorId(realm, machine, ...key);
  if (id !== text) throw new RangeError(`not an actor id: "${text}"`);
  return id;
}

export function isActorId(value: unknown): value is ActorId {
  try {
    return typeof value === "string" && parseActorId(value) === value;
  } catch {
    return false;
  }
}

/** What all ids of one machine begin with; those whose key begins so, where that is given. */
export function idPrefix(realm: string, machine: string, ...key: readonly string[]): string {
  return `${actorId(realm, machine, ...key)}${separator}`;
}

function brand(text: string): ActorId {
  return text as ActorId;
}
