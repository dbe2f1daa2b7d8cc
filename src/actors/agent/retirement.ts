import { agentLocalpart } from "../../machines/addresses.ts";
import type { agentMachine } from "../../machines/agent/index.ts";
import { type Content, type MatrixClient, MatrixError } from "../../matrix/port.ts";
import { transactionId } from "../../matrix/transaction-id.ts";
import { type Clock, sleep } from "../../runtime/clock.ts";
import type { ChildEffects } from "../../runtime/effect.ts";
import { Bot } from "../bot.ts";
import type { Directory } from "../directory.ts";
import { isRetired, retiredMark, roomMarker } from "../marker.ts";
import { sayOnce } from "../said.ts";
import type { Sessions } from "../sessions.ts";
import type { RoomOptions } from "./room.ts";

type AgentEffects = ChildEffects<typeof agentMachine>;

/** What happens when an agent is gone from Letta: each step looks first, and changes only what is not done yet. */

export function listConversations(directory: Directory): AgentEffects["listConversations"] {
  return ({ agentId }) => directory.conversationsOf(agentId);
}

/** How often a conversation is looked at that still owes an answer, ms. */
const lookEvery = 500;
/** How long is waited for one that gets nowhere (it is in quarantine, say): the agent's last word is all it says then, ms. */
const longestWait = 600_000;

export function awaitClosed(directory: Directory, clock: Clock): AgentEffects["awaitClosed"] {
  return async ({ agentId }, { signal }) => {
    const until = clock.elapsed() + longestWait;
    for (const conversation of await directory.conversationsOf(agentId))
      while (!directory.isOver(conversation) && clock.elapsed() < until) await sleep(clock, lookEvery, signal);
  };
}

/** The last word, and the mark by which everybody knows the room again. */
export function markRetired(sessions: Sessions): AgentEffects["markRetired"] {
  return async ({ userId, agentId, roomId, name }, { signal }) => {
    const client = sessions.as(userId);
    if (!(await isIn(client, roomId, signal))) return;
    if (isRetired(await client.state(roomId, roomMarker, "", signal))) return;
    const type = "m.room.message";
    const txnId = transactionId({ agent: userId, room: roomId, type, cause: "retired", part: "notice" });
    const body = `${name} is not in Letta any more. This room keeps what was said, but nobody answers here.`;
    const content = { msgtype: "m.notice", body, "m.mentions": {} };
    // The mark may be missing where this was said.
    await unlessNotAllowed(sayOnce(client, { roomId, txnId, content }, signal));
    await unlessNotAllowed(client.sendState(roomId, roomMarker, "", retiredMark(agentId), signal));
  };
}

/** Gives the alias free for the room that the agent gets when it is back. */
export function releaseAlias(sessions: Sessions, { server }: RoomOptions): AgentEffects["releaseAlias"] {
  return async ({ userId, agentId, roomId }, { signal }) => {
    const client = sessions.as(userId);
    if (await isIn(client, roomId, signal))
      await unlessNotAllowed(clear(client, roomId, "m.room.canonical_alias", "", signal));
    const alias = `#${agentLocalpart(agentId)}:${server}`;
    if ((await client.resolveAlias(alias, signal)) === roomId) await client.deleteAlias(alias, signal);
  };
}

/** Takes both directions of the link away. */
export function unlinkRoom(sessions: Sessions, { botUserId }: RoomOptions): AgentEffects["unlinkRoom"] {
  const bot = new Bot(sessions, botUserId);
  return async ({ userId, roomId, spaceId }, { signal }) => {
    if (spaceId === "") return;
    // A bot that is not in the space any more cannot change it, and nobody sees it there.
    const unlink = async (client: MatrixClient): Promise<void> => {
      if (await isIn(client, spaceId, signal)) await clear(client, spaceId, "m.space.child", roomId, signal);
    };
    await bot.act(unlink, signal);
    const client = sessions.as(userId);
    if (await isIn(client, roomId, signal))
      await unlessNotAllowed(clear(client, roomId, "m.space.parent", spaceId, signal));
  };
}

export function leaveRoom(sessions: Sessions): AgentEffects["leaveRoom"] {
  return async ({ userId, roomId, spaceId }, { signal }) => {
    const client = sessions.as(userId);
    await client.leave(roomId, signal);
    // Whoever may invite there may have had the agent in the space itself, too.
    if (await isIn(client, spaceId, signal)) await client.leave(spaceId, signal);
  };
}

async function isIn(client: MatrixClient, roomId: string, signal: AbortSignal): Promise<boolean> {
  return (await client.joinedRooms(signal)).includes(roomId);
}

async function clear(
  client: MatrixClient,
  roomId: string,
  type: string,
  stateKey: string,
  signal: AbortSignal,
): Promise<void> {
  const content: Content = (await client.state(roomId, type, stateKey, signal)) ?? {};
  if (Object.keys(content).length > 0) await client.sendState(roomId, type, stateKey, {}, signal);
}

/** An agent that lost its power in its room says nothing there; it leaves all the same. */
async function unlessNotAllowed(writing: Promise<unknown>): Promise<void> {
  try {
    await writing;
  } catch (error) {
    if (!(error instanceof MatrixError && error.kind === "forbidden")) throw error;
  }
}
