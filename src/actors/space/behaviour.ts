import { spaceMachine } from "../../machines/space.ts";
import { MatrixError } from "../../matrix/port.ts";
import type { ActorId } from "../../runtime/actor-id.ts";
import { type Behaviour, defineBehaviour } from "../../runtime/behaviour.ts";
import type { ChildEffects } from "../../runtime/effect.ts";
import { inviteNewcomers } from "../agent/room.ts";
import type { Directory } from "../directory.ts";
import { roomMark, roomMarker, roomOwnerOf } from "../marker.ts";
import type { Sessions } from "../sessions.ts";

export interface SpaceOptions {
  readonly server: string;
  readonly botLocalpart: string;
  readonly name: string;
  readonly aliasLocalpart: string;
  /** User ids. */
  readonly people: readonly string[];
}

/** In place of an agent's id in the space's marker. */
const spaceOwner = "space";

export function spaceBehaviour(sessions: Sessions, directory: Directory, options: SpaceOptions): Behaviour {
  const { server, botLocalpart, name, aliasLocalpart, people } = options;
  const bot = `@${botLocalpart}:${server}`;
  const children: ChildEffects<typeof spaceMachine> = {
    ensureBot: (_, { signal }) => sessions.ensure(botLocalpart, "letta-matrix", signal),
    async resolveSpace(_, { signal }) {
      const client = sessions.as(bot);
      const alias = `#${aliasLocalpart}:${server}`;
      const spaceId = await client.resolveAlias(alias, signal);
      if (spaceId === undefined) return { spaceId: null };
      if (roomOwnerOf(await client.state(spaceId, roomMarker, "", signal)) !== spaceOwner)
        throw new MatrixError("refused", `${alias} names a room that is not ours`, {
          remedy: "delete that alias, or configure another alias for the space",
        });
      return { spaceId };
    },
    async createSpace(_, { signal }) {
      const spaceId = await sessions.as(bot).createRoom(
        {
          aliasLocalpart,
          name,
          topic: "Every Letta agent has its room here.",
          roomType: "m.space",
          initialState: [{ type: roomMarker, stateKey: "", content: roomMark(spaceOwner) }],
          powerLevels: { events_default: 100, invite: 50, users: { [bot]: 100 } },
        },
        signal,
      );
      return { spaceId };
    },
    inviteToSpace: ({ spaceId }, { signal }) => inviteNewcomers(sessions, bot, spaceId, people, signal),
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
