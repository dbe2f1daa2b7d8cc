import type { CommandPolicy } from "./actors/agent/command.ts";
import type { HistoryOptions } from "./actors/agent/import.ts";
import type { InvitationPolicy } from "./actors/agent/invitations.ts";
import type { PictureOf } from "./actors/agent/profile.ts";
import type { RoomOptions } from "./actors/agent/room.ts";
import type { AuditOptions } from "./actors/audit/behaviour.ts";
import type { BudgetOptions } from "./actors/conversation/draft-budget.ts";
import type { DiscoveryOptions } from "./actors/discovery/behaviour.ts";
import type { SpaceOptions } from "./actors/space/behaviour.ts";
import type { TalkOptions } from "./commands/agents/hops.ts";
import { botLocalpart } from "./config/bot-localpart.ts";
import type { AvatarChoice, Config, CoreUser } from "./config/schema.ts";
import { isAgentUser, localpartOf, serverOfUser } from "./machines/addresses.ts";
import { portraitOf, portraitSource } from "./matrix/portrait.ts";

/**
 * What the configuration says, as the actors are given it. They keep these objects and read them each time, so that
 * what is written into them counts from then on.
 */
export interface ActorOptions {
  readonly discovery: DiscoveryOptions;
  readonly space: SpaceOptions;
  readonly audit: AuditOptions;
  readonly rooms: RoomOptions;
  readonly invitations: InvitationPolicy;
  readonly commands: CommandPolicy;
  readonly history: HistoryOptions;
  readonly picture: { readonly of: PictureOf };
  readonly drafts: BudgetOptions;
  readonly talk: TalkOptions;
}

export function actorOptionsOf(config: Config): ActorOptions {
  const { serverName: server } = config.homeserver;
  const { admins, readers } = coreUsersOf(config);
  return {
    discovery: {
      interval: config.discovery.intervalMs,
      grace: config.discovery.graceMs,
      disabled: config.discovery.disabled,
    },
    space: {
      server,
      botLocalpart,
      name: config.space.name,
      aliasLocalpart: config.space.aliasLocalpart,
      people: config.invite,
      coreUsers: { admins, readers },
    },
    audit: { interval: config.audit.intervalMs },
    rooms: {
      server,
      botUserId: `@${botLocalpart}:${server}`,
      people: config.invite,
      admins,
      readers,
      nameTemplate: config.rooms.nameTemplate,
    },
    invitations: {
      server,
      people: new Set([...config.invite, ...config.invitations.people, ...admins]),
      servers: new Set(config.invitations.servers),
    },
    commands: { people: new Set(config.commands.people) },
    history: { limit: config.history.importLimit },
    picture: { of: pictureOf(config.avatars) },
    drafts: { ...config.drafts },
    talk: { ...config.agents },
  };
}

/** Lets the actors that were given `options` go on with the next ones. */
export function reconfigureActors(options: ActorOptions, next: ActorOptions): void {
  Object.assign(options.discovery, next.discovery);
  Object.assign(options.space, next.space);
  Object.assign(options.audit, next.audit);
  Object.assign(options.rooms, next.rooms);
  Object.assign(options.invitations, next.invitations);
  Object.assign(options.commands, next.commands);
  Object.assign(options.history, next.history);
  Object.assign(options.picture, next.picture);
  Object.assign(options.drafts, next.drafts);
  Object.assign(options.talk, next.talk);
}

/** Whether it is a user of ours, whom we may make: an agent's, or the bot. */
export function isOurUser(serverName: string, userId: string): boolean {
  return serverOfUser(userId) === serverName && (localpartOf(userId) === botLocalpart || isAgentUser(userId));
}

export function coreUsersOf({ homeserver: { serverName }, coreUsers: { admin, letta } }: Config) {
  const idOf = ({ localpart }: CoreUser): string => `@${localpart}:${serverName}`;
  const given = [admin, letta].filter((user) => user !== undefined);
  const admins = admin === undefined ? [] : [idOf(admin)];
  return {
    admins,
    // One user may be both.
    readers: letta === undefined ? [] : [idOf(letta)].filter((userId) => !admins.includes(userId)),
    wanted: new Map(given.map((user) => [idOf(user), user])),
  };
}

/** The picture that each agent shows. */
function pictureOf(choice: AvatarChoice): PictureOf {
  switch (choice.kind) {
    case "none":
      return () => undefined;
    case "address":
      return () => ({ source: choice.url, url: choice.url });
    case "file":
      return () => ({ source: choice.source, file: choice });
    case "generated":
      return (agentId) => ({ source: portraitSource, file: portraitOf(agentId) });
  }
}
