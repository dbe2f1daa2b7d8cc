import type { MadePart } from "../../machines/space-context.ts";
import type { Content, MatrixClient } from "../../matrix/port.ts";
import type { Directory } from "../directory.ts";
import type { CoreUsers } from "../invite.ts";
import { roomMark, roomMarker } from "../marker.ts";
import { powerOf } from "../power-levels.ts";
import { holds, RoomState } from "../room-state.ts";
import { agentOfChild, isChild, partChild } from "./child.ts";
import { aliasOf, joinRulesOf, nameOf, ownerOf, type SpaceNames, topicOf } from "./parts.ts";

/** Makes a part of the space what it should be again, whoever changed it. Writes only what differs. */
export async function furnishPart(
  client: MatrixClient,
  names: SpaceNames & { readonly coreUsers: CoreUsers },
  { part, partId, spaceId }: MadePart,
  signal: AbortSignal,
): Promise<void> {
  const state = await RoomState.read(client, partId, signal);
  const wanted: readonly (readonly [type: string, stateKey: string, content: Content])[] = [
    ["m.room.name", "", { name: nameOf(names, part) }],
    ["m.room.topic", "", { topic: topicOf(names, part) }],
    ["m.room.canonical_alias", "", { alias: aliasOf(names, part) }],
    ["m.room.join_rules", "", joinRulesOf(part, spaceId)],
    ["m.room.power_levels", "", { events_default: 100, users: levelsWith(names.coreUsers, state) }],
    [roomMarker, "", roomMark(ownerOf(part))],
    ...(part === 1 ? [] : [["m.space.parent", spaceId, { via: [names.server], canonical: true }] as const]),
  ];
  for (const [type, stateKey, content] of wanted) {
    const there = state.content(type, stateKey);
    // What others have added stays; only JSON has come in.
    const whole = { ...(there as Content | undefined), ...content };
    if (!holds(there, content)) await client.sendState(partId, type, stateKey, whole, signal);
  }
  if (part === 1) return;
  const child = partChild(names.server, part);
  const there = await client.state(spaceId, "m.space.child", partId, signal);
  if (!holds(there, child)) await client.sendState(spaceId, "m.space.child", partId, child, signal);
}

/** Whoever has power by hand keeps it. */
function levelsWith({ admins }: CoreUsers, state: RoomState): Content {
  return {
    ...powerOf(state.content("m.room.power_levels")?.["users"]),
    ...Object.fromEntries(admins.map((admin) => [admin, 100])),
  };
}

/**
 * Takes rooms out of a part that are no agent's any more. Only what the bot has put there, and only where the agent
 * itself is known and has no such room here: who is not known yet may just not have been listed yet.
 */
export async function sweepPart(
  client: MatrixClient,
  directory: Directory,
  { part, partId }: MadePart,
  signal: AbortSignal,
): Promise<void> {
  const state = await RoomState.read(client, partId, signal);
  const children = state
    .all("m.space.child")
    .filter(({ sender, content }) => sender === client.userId && isChild(content));
  if (children.length === 0) return;
  const homes = new Map<string, string | undefined>();
  for await (const { agentId, roomId, life, place, isSettled } of directory.residents())
    if (isSettled || life === "retired") homes.set(agentId, place?.part === part ? roomId : undefined);
  for (const { stateKey = "", content } of children) {
    const agentId = agentOfChild(content);
    if (agentId === undefined || !homes.has(agentId) || homes.get(agentId) === stateKey) continue;
    await client.sendState(partId, "m.space.child", stateKey, {}, signal);
  }
}
