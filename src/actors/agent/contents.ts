import { agentLocalpart } from "../../machines/addresses.ts";
import type { RoomInput } from "../../machines/agent/context.ts";
import type { Content } from "../../matrix/port.ts";
import { roomMark, roomMarker } from "../marker.ts";
import type { RoomOptions } from "./room.ts";

/** One piece of a room's state. */
export interface Piece {
  readonly type: string;
  readonly stateKey: string;
  readonly content: Content;
}

export function aliasOf(agentId: string, { server }: RoomOptions): string {
  return `#${agentLocalpart(agentId)}:${server}`;
}

/** What an agent's room is called, and what it says about itself. */
export function titleOf({ name }: RoomInput, { nameTemplate }: RoomOptions): { name: string; topic: string } {
  return {
    // By a function, since a text's `$` would have a meaning of its own.
    name: shortened(nameTemplate.replaceAll("{agent}", () => name)),
    topic: `Talk to the Letta agent ${shortened(name)}. Every message here gets one answer.`,
  };
}

/** Who made the room, so that clients name and sort it well: the bridge, and its bot as nobody to talk to. */
export function signs({ userId, agentId, name, avatarUrl }: RoomInput, { botUserId }: RoomOptions): Piece[] {
  const bridge = {
    bridgebot: botUserId,
    creator: userId,
    protocol: { id: "letta", displayname: "Letta" },
    channel: { id: agentId, displayname: shortened(name) },
  };
  const stateKey = `io.letta_matrix://letta/${agentId}`;
  return [
    { type: roomMarker, stateKey: "", content: roomMark(agentId) },
    { type: "m.bridge", stateKey, content: bridge },
    { type: "uk.half-shot.bridge", stateKey, content: bridge },
    { type: "io.element.functional_members", stateKey: "", content: { service_members: [botUserId] } },
    ...(avatarUrl === null ? [] : [{ type: "m.room.avatar", stateKey: "", content: { url: avatarUrl } }]),
  ];
}

/** All that is to stand in the room, whoever changed it. */
export function furniture(room: RoomInput, options: RoomOptions): Piece[] {
  const { name, topic } = titleOf(room, options);
  const own: readonly (readonly [string, Content])[] = [
    ["m.room.join_rules", { join_rule: "invite" }],
    ["m.room.history_visibility", { history_visibility: "shared" }],
    ["m.room.guest_access", { guest_access: "forbidden" }],
    ["m.room.canonical_alias", { alias: aliasOf(room.agentId, options) }],
    ["m.room.name", { name }],
    // As homeservers make it of a topic when they create a room: newer clients show the second.
    ["m.room.topic", { topic, "m.topic": { "m.text": [{ body: topic }] } }],
  ];
  return [...own.map(([type, content]) => ({ type, stateKey: "", content })), ...signs(room, options)];
}

/** Levels of the users who are to stand above or below everybody else. */
export function levelsOf({ admins, readers }: RoomOptions): Readonly<Record<string, number>> {
  return Object.fromEntries([
    ...readers.map((user) => [user, -1] as const),
    ...admins.map((user) => [user, 100] as const),
  ]);
}

const longest = 250;

/** Homeservers and clients take no names of any length. */
export function shortened(name: string): string {
  const characters = [...name.toWellFormed()];
  return characters.length > longest ? `${characters.slice(0, longest - 1).join("")}…` : characters.join("");
}
