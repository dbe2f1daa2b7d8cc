import { spaceMachine } from "../../machines/space.ts";
import type { CreateRoomRequest } from "../../matrix/port.ts";
import type { ActorId } from "../../runtime/actor-id.ts";
import { type Behaviour, defineBehaviour } from "../../runtime/behaviour.ts";
import type { ChildEffects } from "../../runtime/effect.ts";
import { Bot } from "../bot.ts";
import type { Directory } from "../directory.ts";
import { type CoreUsers, inviteNewcomers } from "../invite.ts";
import { roomMark, roomMarker } from "../marker.ts";
import { assertOurs } from "../ownership.ts";
import type { Sessions } from "../sessions.ts";

export interface SpaceOptions {
  readonly server: string;
  readonly botLocalpart: string;
  readonly name: string;
  readonly aliasLocalpart: string;
  /** User ids. */
  readonly people: readonly string[];
  readonly coreUsers: CoreUsers;
}

/** In place of an agent's id in the space's marker. */
const spaceOwner = "space";

export function spaceBehaviour(sessions: Sessions, directory: Directory, options: SpaceOptions): Behaviour {
  const { server, botLocalpart, name, aliasLocalpart, people, coreUsers } = options;
  const core = [...coreUsers.admins, ...coreUsers.readers];
  const bot = new Bot(sessions, `@${botLocalpart}:${server}`);
  const children: ChildEffects<typeof spaceMachine> = {
    ensureBot: (_, { signal }) => bot.ensure(signal),
    async resolveSpace(_, { signal }) {
      const alias = `#${aliasLocalpart}:${server}`;
      return bot.act(async (client) => {
        const roomId = await client.resolveAlias(alias, signal);
        if (roomId === undefined) return { spaceId: null };
        await assertOurs(client, { alias, roomId, owner: spaceOwner }, signal);
        return { spaceId: roomId };
      }, signal);
    },
    async createSpace(_, { signal }) {
      const request: CreateRoomRequest = {
        aliasLocalpart,
        name,
        topic: "Every Letta agent has its room here.",
        roomType: "m.space",
        initialState: [{ type: roomMarker, stateKey: "", content: roomMark(spaceOwner) }],
        // Whom it invites so is not counted against how often one can be invited.
        invite: core,
        powerLevels: {
          events_default: 100,
          invite: 50,
          users: { [bot.userId]: 100, ...Object.fromEntries(coreUsers.admins.map((admin) => [admin, 100])) },
        },
      };
      return { spaceId: await bot.act((client) => client.createRoom(request, signal), signal) };
    },
    inviteToSpace: ({ spaceId }, { signal }) =>
      bot.act((client) => inviteNewcomers(client, spaceId, people, signal, core), signal),
    async listResidents() {
      const actors: ActorId[] = [];
      for await (const { actor } of directory.residents()) actors.push(actor);
      return actors;
    },
  };
  return defineBehaviour({
    machine: spaceMachine,
    input: () => undefined,
    children,
    backoffDelays: ["retry"],
  });
}
