import type { LookBack, Pushed } from "../../machines/agent/context.ts";
import type { Heard } from "../../machines/question.ts";
import type { PushedEvent } from "../../matrix/port.ts";
import { isChanged } from "../agent/changes.ts";
import { hear } from "../agent/listen.ts";
import type { Listening } from "./residents.ts";

export interface Understanding {
  /** Users that are invited again when they left. */
  readonly core: ReadonlySet<string>;
  /** Who may command agents. */
  readonly commanders: ReadonlySet<string>;
  /** Ms since the epoch: what was said before may have been heard once, and be forgotten. */
  readonly knownSince: number;
}

/** What a pushed event means to an agent; nothing where it means nothing to it. */
export function understood(
  event: PushedEvent,
  { userId, roomId: ownRoomId = "" }: Listening,
  { core, commanders, knownSince }: Understanding,
): Pushed | LookBack | undefined {
  const { roomId } = event;
  const membership = event.type === "m.room.member" && event.stateKey === userId ? event.content["membership"] : "";
  if (membership === "invite" && roomId !== ownRoomId)
    return { type: "PUSHED", heard: [], invited: [{ roomId, inviter: event.sender, at: event.originServerTs }] };
  const isMoved = roomId === ownRoomId && ["invite", "leave", "ban"].includes(String(membership));
  // Until now it was not among those who are told what is said there. A new name of its own looks the same.
  if (membership === "join" && roomId === ownRoomId) return { type: "LOOK_BACK" };
  // What it does itself is its own concern.
  if (isMoved || (event.sender !== userId && isChanged([event], roomId, { roomId: ownRoomId, core })))
    return { type: "PUSHED", heard: [], changed: true };
  const heard = hear(event, roomId, { userId, ownRoomId, commanders });
  return heard && { type: "PUSHED", heard: [asFarAsKnown(heard, knownSince)] };
}

/** A homeserver can push weeks late what a look has found long since. */
function asFarAsKnown(heard: Heard, knownSince: number): Heard {
  if (heard.kind !== "question" || heard.question.sentAt > knownSince) return heard;
  return { ...heard, question: { ...heard.question, maybeAsked: true } };
}
