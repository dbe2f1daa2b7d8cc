import type { ActorId } from "../../runtime/actor-id.ts";
import type { Tell } from "../../runtime/step.ts";
import { addressOf } from "../addresses.ts";
import type { Heard } from "../question.ts";
import { backoff, type Trouble, type Wait } from "../wait.ts";

/** What the agent chart keeps, and what it makes of it. */

export interface AgentInput {
  readonly server: string;
  readonly agentId: string;
  readonly userId: string;
}

export interface AgentContext extends AgentInput {
  /** The agent's name in Letta; known once discovery has told it. */
  readonly name?: string;
  /** The space, or the part of it, that the room belongs into. */
  readonly spaceId?: string;
  readonly part?: number;
  readonly roomId?: string | undefined;
  /** The sync cursor: everything up to it has been handed on. */
  readonly since?: string;
  /** Since when Letta's listings have been without the agent, ms since the epoch. */
  readonly missingSince?: number | undefined;
  /** True when the homeserver refused the stored access token. */
  readonly tokenRefused: boolean;
  /** What goes wrong in each region, until something goes well there again. */
  readonly troubles: Troubles;
  /** Of the first region that is in trouble. */
  readonly wait?: Wait | undefined;
}

export type Region = "account" | "room" | "intake" | "life";
export type Troubles = { readonly [R in Region]?: Trouble };

/** Parameters of actions and guards that are about one region. */
export interface In {
  readonly region: Region;
}

export interface FailedIn extends In {
  readonly event: { readonly error: unknown };
}

export type AgentEvent =
  | { readonly type: "DISCOVERED"; readonly name: string }
  | Missed
  /** The configuration leaves the agent out. */
  | { readonly type: "DISABLED" }
  | { readonly type: "SPACE_READY"; readonly spaceId: string; readonly part?: number }
  | { readonly type: "TOKEN_REFUSED" };

/** A complete listing is without the agent, which may be so for `grace` ms. */
export interface Missed {
  readonly type: "MISSED";
  readonly grace: number;
}

export interface LinkInput {
  readonly userId: string;
  readonly agentId: string;
  readonly name: string;
  readonly roomId: string;
  readonly spaceId: string;
}

export interface PollInput {
  readonly userId: string;
  readonly roomId: string;
  readonly since?: string;
  /** Set after trouble: the first answer is then handed on even when it brings nothing, to say that all is well. */
  readonly recovering?: true;
}

export interface Polled {
  /** The cursor that passes everything in `heard`. */
  readonly since: string;
  /** In the order in which the rooms' timelines have it. */
  readonly heard: readonly Heard[];
}

export function withTroubles(troubles: Troubles): Pick<AgentContext, "troubles" | "wait"> {
  const { account, life, room, intake } = troubles;
  return { troubles, wait: (account ?? life ?? room ?? intake)?.wait };
}

export function backoffAfter(trouble: Trouble | undefined): number {
  return backoff(trouble?.tries ?? 1, trouble?.retryAfterMs);
}

export function pollInput({ userId, roomId = "", since, troubles }: AgentContext): PollInput {
  return {
    userId,
    roomId,
    ...(since !== undefined && { since }),
    ...(troubles.intake !== undefined && { recovering: true }),
  };
}

export function linkInput({ userId, agentId, name = userId, roomId = "", spaceId = "" }: AgentContext): LinkInput {
  return { userId, agentId, name, roomId, spaceId };
}

export function askForSpace({ server, agentId, spaceId }: AgentContext): Tell[] {
  if (spaceId !== undefined) return [];
  return [{ to: addressOf.space(server), event: { type: "SPACE_WANTED", asker: addressOf.agent(server, agentId) } }];
}

export function closeAll(conversations: readonly ActorId[], { name = "This agent" }: AgentContext): Tell[] {
  const reason = `${name} is not in Letta any more, so nobody can answer this.`;
  return conversations.map((to) => ({ to, event: { type: "CLOSE", reason } }));
}

export function handOn({ server, agentId }: AgentContext, { heard }: Polled): Tell[] {
  return heard.map((one) => tellConversation(addressOf.conversation(server, agentId, one.roomId), one));
}

function tellConversation(to: ActorId, heard: Heard): Tell {
  switch (heard.kind) {
    case "question":
      return { to, id: heard.question.eventId, event: { type: "MESSAGE", question: heard.question } };
    case "edit": {
      const { eventId, edits, sender, text } = heard;
      return { to, id: eventId, event: { type: "EDITED", edits, sender, text } };
    }
    case "cut":
      return { to, id: `cut ${heard.gap}`, event: { type: "CUT", gap: heard.gap } };
  }
}
