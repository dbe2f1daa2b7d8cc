import { spaceMachine } from "../../machines/space.ts";
import type { CreateRoomRequest } from "../../matrix/port.ts";
import type { ActorId } from "../../runtime/actor-id.ts";
import { type Behaviour, defineBehaviour } from "../../runtime/behaviour.ts";
import type { ChildEffects } from "../../runtime/effect.ts";
import { Bot } from "../bot.ts";
import type { Directory } from "../directory.ts";
import { type CoreUsers, inviteNewcomers } from "../invite.ts";
import { roomMark, roomMarker } from "../marker.ts";
import type { Sessions } from "../sessions.ts";
import { furnishPart, sweepPart } from "./furnish.ts";
import { aliasLocalpartOf, joinRulesOf, nameOf, ownerOf, type SpaceNames, topicOf } from "./parts.ts";
import { resolvePart } from "./resolve.ts";

export interface SpaceOptions extends SpaceNames {
  readonly botLocalpart: string;
  /** User ids. */
  readonly people: readonly string[];
  readonly coreUsers: CoreUsers;
  /** Rooms in one part. */
  readonly capacity?: number;
}

/** Clients ask for a space's rooms in pages of 10 to 50. */
const defaultCapacity = 200;

export function spaceBehaviour(sessions: Sessions, directory: Directory, options: SpaceOptions): Behaviour {
  const { server, botLocalpart, coreUsers, capacity = defaultCapacity } = options;
  const core = [...coreUsers.admins, ...coreUsers.readers];
  const bot = new Bot(sessions, `@${botLocalpart}:${server}`);
  const children: ChildEffects<typeof spaceMachine> = {
    ensureBot: (_, { signal }) => bot.ensure(signal),
    async resolveSpace(part, { signal }) {
      return { partId: await bot.act((client) => resolvePart(client, options, part, signal), signal) };
    },
    async createSpace({ part, spaceId }, { signal }) {
      const request: CreateRoomRequest = {
        aliasLocalpart: aliasLocalpartOf(options, part),
        name: nameOf(options, part),
        topic: topicOf(options, part),
        roomType: "m.space",
        initialState: [
          { type: roomMarker, stateKey: "", content: roomMark(ownerOf(part)) },
          { type: "m.room.join_rules", stateKey: "", content: joinRulesOf(part, spaceId ?? "") },
        ],
        // Whom it invites so is not counted against how often one can be invited.
        invite: part === 1 ? core : [],
        powerLevels: {
          events_default: 100,
          invite: 50,
          users: { [bot.userId]: 100, ...Object.fromEntries(coreUsers.admins.map((admin) => [admin, 100])) },
        },
      };
      return { partId: await bot.act((client) => client.createRoom(request, signal), signal) };
    },
    async listResidents({ part, partId }) {
      const moved: ActorId[] = [];
      const homeless: ActorId[] = [];
      const known = new Map<ActorId, number>();
      for await (const { actor, life, place, revision } of directory.residents()) {
        if (place === undefined && (life === "live" || life === "missing")) homeless.push(actor);
        else if (place?.part === part && place.spaceId !== partId) moved.push(actor);
        else continue;
        known.set(actor, revision);
      }
      return { moved, homeless, revisions: Object.fromEntries(known) };
    },
    furnishSpace: (part, { signal }) => bot.act((client) => furnishPart(client, options, part, signal), signal),
    async inviteToSpace({ part, partId }, { signal }) {
      // Into the other parts everybody comes from here.
      if (part === 1) await bot.act((client) => inviteNewcomers(client, partId, options.people, signal, core), signal);
    },
    sweepSpace: (part, { signal }) => bot.act((client) => sweepPart(client, directory, part, signal), signal),
  };
  return defineBehaviour({
    machine: spaceMachine,
    input: () => ({ capacity }),
    children,
    backoffDelays: ["retry"],
  });
}
