import type { ActorId } from "../../runtime/actor-id.ts";
import type { Tell } from "../../runtime/step.ts";
import { addressOf } from "../addresses.ts";
import { type Command, type Heard, isAddressed } from "../question.ts";
import { backoff, type Trouble, type Wait } from "../wait.ts";
import type { Answering } from "./answering.ts";
import type { Owed, Unheard } from "./owed.ts";

/** What the agent chart keeps, and what it makes of it. */

export interface AgentInput {
  readonly server: string;
  readonly agentId: string;
  readonly userId: string;
}

export interface AgentContext extends AgentInput {
  /** The agent's name in Letta; known once discovery has told it. */
  readonly name?: string;
  /** Another name, which the next listing has to confirm: one listing alone can be out of date. */
  readonly newName?: string | undefined;
  /** The space, or the part of it, that the room belongs into. */
  readonly spaceId?: string;
  readonly part?: number;
  readonly roomId?: string | undefined;
  /** The picture that the agent shows. */
  readonly avatar?: Avatar | undefined;
  /** True once what was said in Letta before is in the room, or never will be. */
  readonly imported: boolean;
  /** True when the room has to be looked at again. */
  readonly stale: boolean;
  /** How often others have changed the room in a row, without a longer time between two changes. */
  readonly changes: number;
  /** When they last did, ms since the epoch. */
  readonly changedAt: number;
  /** The sync cursor: everything up to it has been handed on. */
  readonly since?: string | undefined;
  /** Rooms of which not all up to there is. The one that is read next comes first. */
  readonly owed?: readonly Owed[] | undefined;
  /** How far all was heard at the last look, where the homeserver pushes. */
  readonly seen?: Seen | undefined;
  /** True while the homeserver pushes what is said, and all from before that is known. */
  readonly inTouch?: true | undefined;
  /** How often touch was lost, or the cursor given up: it names the looks at what was said meanwhile. */
  readonly lost?: number;
  /** Names the store that the last first look was for, where that was not the first store. */
  readonly store?: string;
  /** While an operator has it wait: what is said to it is taken in, and nothing is asked of Letta. */
  readonly paused?: Pause | undefined;
  /** Since when Letta's listings have been without the agent, ms since the epoch. */
  readonly missingSince?: number | undefined;
  /** By their rooms, since when, ms since the epoch. */
  readonly answering?: Answering | undefined;
  /** True when the homeserver refused the stored access token. */
  readonly tokenRefused: boolean;
  /** What goes wrong with each of the agent's concerns, until something goes well there again. */
  readonly troubles: Troubles;
  /** Of the first concern that is in trouble. */
  readonly wait?: Wait | undefined;
}

export interface Pause {
  /** Ms since the epoch. */
  readonly since: number;
  /** The operator's own words. */
  readonly reason?: string;
}

/** A file that was uploaded, and what it was made from: another source is another picture. */
export interface Avatar {
  readonly source: string;
  /** Its `mxc://` address. */
  readonly url: string;
}

/** The regions of the chart, and what lasting trouble with keeps no other step of provisioning from being taken. */
const concerns = [
  "account",
  "life",
  "room",
  "profile",
  "history",
  "link",
  "contents",
  "people",
  "tools",
  "intake",
  "arrears",
] as const;
export type Concern = (typeof concerns)[number];
export type Troubles = { readonly [C in Concern]?: Trouble };

/** Parameters of actions and guards that are about one concern. */
export interface In {
  readonly concern: Concern;
}

export interface FailedIn extends In {
  readonly event: { readonly error: unknown };
}

export type AgentEvent =
  | { readonly type: "DISCOVERED"; readonly name: string }
  | Missed
  /** The configuration leaves the agent out. */
  | { readonly type: "DISABLED" }
  /** Look whether everything is as it should be, and mend what is not. */
  | { readonly type: "INSPECT" }
  /** An operator wants all of that looked at now, also what would be tried again later. */
  | { readonly type: "REPROVISION" }
  /** It takes in what is said, and asks Letta nothing until it is to go on. */
  | { readonly type: "PAUSE"; readonly reason?: string }
  | { readonly type: "RESUME" }
  /** Its user was taken over from another system. */
  | { readonly type: "ADOPTED" }
  /** The agent's room is another one than it was. */
  | { readonly type: "MOVED" }
  | { readonly type: "SPACE_READY"; readonly spaceId: string; readonly part?: number }
  | { readonly type: "TOKEN_REFUSED" }
  | Pushed
  | LetInto
  | Answered
  | LookBack
  /** The store, which has this name, comes from a backup: what happened since it was made, nobody knows here. */
  | { readonly type: "restored"; readonly store: string };

/** What the homeserver has pushed, as this agent understands it. */
export interface Pushed {
  readonly type: "PUSHED";
  readonly heard: readonly Heard[];
  /** Set when somebody else changed the agent's own room, or took the agent out of it or let it in. */
  readonly changed?: true;
  /** Left out when there are none. */
  readonly invited?: readonly PushedInvitation[];
}

/** The homeserver may not have pushed all that was said. */
export interface LookBack {
  readonly type: "LOOK_BACK";
}

/** What was said where the agent was let in, since it was invited. */
export interface LetInto {
  readonly type: "LET_IN";
  readonly heard: readonly Heard[];
  /** Set when it is the agent's own room. */
  readonly changed?: true;
}

/** The invitations into these rooms are answered. */
export interface Answered {
  readonly type: "ANSWERED";
  readonly rooms: readonly string[];
}

/** Into a room that is not known to be the agent's own. */
export interface PushedInvitation {
  readonly roomId: string;
  readonly inviter: string;
  /** Ms since the epoch, by the homeserver. */
  readonly at: number;
}

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

export interface ProfileInput {
  readonly userId: string;
  readonly agentId: string;
  readonly name: string;
  /** What it shows already, by what is known here. */
  readonly avatar: Avatar | null;
}

/** What an agent's room is made from. */
export interface RoomInput {
  readonly userId: string;
  readonly agentId: string;
  readonly name: string;
  readonly avatarUrl: string | null;
}

export interface PollInput {
  readonly userId: string;
  readonly roomId: string;
  readonly spaceId?: string;
  readonly since?: string;
  /** Names a first look that is not the first one. */
  readonly store?: string;
  /** Names one after touch was lost, or a cursor given up. */
  readonly lost?: number;
  /** Set after trouble: the first answer is then handed on even when it brings nothing, to say that all is well. */
  readonly recovering?: true;
  /** Rooms that are left to be read by themselves; left out when there are none. */
  readonly owed?: readonly Owed[];
  /** Left out where there was no look before, or nobody knows what came of it. */
  readonly seen?: Seen;
}

export interface ReadInput extends PollInput {
  /** The room whose past could not be read before. */
  readonly room: Pick<Owed, "roomId" | "to" | "tries">;
}

/** What was said in that room, as far as it was not handed on. */
export interface ReadOwed extends Pick<Owed, "roomId"> {
  readonly heard: readonly Heard[];
}

/** Events, by the rooms of which all up to there was heard. */
export type Seen = Readonly<Record<string, string>>;

/** Into a room that is not the agent's own. */
export interface Invitation {
  readonly roomId: string;
  readonly accept: boolean;
}

export interface Polled {
  /** The cursor that passes everything in `heard`. */
  readonly since: string;
  /** Set where the homeserver pushes all that comes after it: then nobody polls. */
  readonly pushes?: true;
  /** In the order in which the rooms' timelines have it. */
  readonly heard: readonly Heard[];
  /** Rooms in which something may have been said that is not in `heard`; left out when there are none. */
  readonly unheard?: readonly Unheard[];
  /** How far all was heard now. */
  readonly seen?: Seen;
  /** Set when somebody else changed the agent's own room, or took the agent out of it. */
  readonly changed?: true;
  /** Invitations to be answered; left out when there are none. */
  readonly invited?: readonly Invitation[];
}

export function withTroubles(troubles: Troubles): Pick<AgentContext, "troubles" | "wait"> {
  const first = concerns.find((concern) => troubles[concern] !== undefined);
  return { troubles, wait: first === undefined ? undefined : troubles[first]?.wait };
}

/** Two changes further apart than this are not one quarrel, ms: more than the longest backoff. */
const quarrelWithin = 120_000;
/** Changes in a row that are looked at without a longer wait. */
const atOnce = 5;

export function changesWith({ changes, changedAt }: AgentContext, at: number): Partial<AgentContext> {
  return { stale: true, changes: at - changedAt > quarrelWithin ? 1 : changes + 1, changedAt: at };
}

/** The wait before a changed room is looked at, ms. */
export function noticedAfter({ changes }: AgentContext): number {
  return changes === 0 ? 0 : backoff(changes - atOnce);
}

export function backoffAfter(trouble: Trouble | undefined): number {
  return backoff(trouble?.tries ?? 1, trouble?.retryAfterMs);
}

export function profileInput({ userId, agentId, name = userId, avatar }: AgentContext): ProfileInput {
  return { userId, agentId, name, avatar: avatar ?? null };
}

export function roomInput({ userId, agentId, name = userId, avatar }: AgentContext): RoomInput {
  return { userId, agentId, name, avatarUrl: avatar?.url ?? null };
}

export function pollInput({
  userId,
  roomId = "",
  spaceId,
  since,
  store,
  lost,
  troubles,
  owed,
  seen,
}: AgentContext): PollInput {
  return {
    userId,
    roomId,
    ...(spaceId !== undefined && { spaceId }),
    ...(since !== undefined && { since }),
    ...(since === undefined && store !== undefined && { store }),
    ...(since === undefined && lost !== undefined && { lost }),
    ...(troubles.intake !== undefined && { recovering: true }),
    ...(owed !== undefined && { owed }),
    ...(since === undefined && seen !== undefined && { seen }),
  };
}

/** Nobody reads where nothing is owed. */
export function readInput(context: AgentContext): ReadInput {
  const { roomId, to, tries } = context.owed?.[0] ?? { roomId: "", tries: 0 };
  return { ...pollInput(context), room: { roomId, tries, ...(to !== undefined && { to }) } };
}

export function linkInput({ userId, agentId, name = userId, roomId = "", spaceId = "" }: AgentContext): LinkInput {
  return { userId, agentId, name, roomId, spaceId };
}

export function askForSpace({ server, agentId, spaceId }: AgentContext): Tell[] {
  if (spaceId !== undefined) return [];
  return [{ to: addressOf.space(server), event: { type: "SPACE_WANTED", asker: addressOf.agent(server, agentId) } }];
}

/** What is to be answered, and where the agent is at home. */
export function invitationsIn<T extends Invitation | PushedInvitation>(
  { userId, roomId = "", spaceId }: AgentContext,
  { invited = [] }: { readonly invited?: readonly T[] },
) {
  return { userId, roomId, ...(spaceId !== undefined && { spaceId }), invited };
}

export function closeAll(conversations: readonly ActorId[], { name = "This agent" }: AgentContext): Tell[] {
  const reason = `${name} is not in Letta any more, so nobody can answer this.`;
  return conversations.map((to) => ({ to, event: { type: "CLOSE", reason } }));
}

/** A conversation that begins while the agent is paused must know that before it is asked anything. */
export function handOn({ server, agentId, paused }: AgentContext, { heard }: Pick<Polled, "heard">): Tell[] {
  const conversationIn = ({ roomId }: Heard): ActorId => addressOf.conversation(server, agentId, roomId);
  const told = heard.map((one) => tellConversation(conversationIn(one), one));
  const addressed = new Set(heard.filter(isAddressed).map(conversationIn));
  return paused === undefined ? told : [...pauseAll([...addressed]), ...told];
}

export function pauseAll(conversations: readonly ActorId[]): Tell[] {
  return conversations.map((to) => ({ to, event: { type: "PAUSED" } }));
}

export function resumeAll(conversations: readonly ActorId[]): Tell[] {
  return conversations.map((to) => ({ to, event: { type: "RESUMED" } }));
}

function tellConversation(to: ActorId, heard: Heard): Tell {
  switch (heard.kind) {
    case "question":
      return { to, id: heard.question.eventId, event: { type: "MESSAGE", question: heard.question } };
    case "edit": {
      const { eventId, edits, sender, text } = heard;
      return { to, id: eventId, event: { type: "EDITED", edits, sender, text } };
    }
    case "command": {
      const { command } = heard;
      return { to, id: command.eventId, event: { type: eventOf(command), command } };
    }
    case "cut":
      return { to, id: `cut ${heard.gap}`, event: { type: "CUT", gap: heard.gap } };
  }
}

const commandEvents = { stop: "STOP", retry: "RETRY", approve: "APPROVE", deny: "DENY" } as const;

function eventOf({ name, permitted }: Command): string {
  return permitted ? commandEvents[name] : "UNPERMITTED";
}
