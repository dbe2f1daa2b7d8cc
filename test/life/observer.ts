import { z } from "zod";
import { Person } from "../crash/person.ts";
import type { MatrixUser } from "../servers/matrix-users.ts";
import type { Synapse } from "../servers/synapse.ts";

const users = z.object({ users: z.array(z.object({ name: z.string() })) });
const rooms = z.object({ rooms: z.array(z.object({ room_id: z.string(), room_type: z.string().nullish() })) });
const event = z.object({
  type: z.string(),
  state_key: z.string(),
  sender: z.string(),
  content: z.record(z.string(), z.unknown()),
});
const state = z.object({ state: z.array(event) });
const directory = z.object({ room_id: z.string() });

/** One room, as the homeserver's administrator sees it. */
export class SeenRoom {
  readonly roomId: string;
  readonly isSpace: boolean;
  readonly #state: readonly z.infer<typeof event>[];

  constructor(roomId: string, isSpace: boolean, events: readonly z.infer<typeof event>[]) {
    this.roomId = roomId;
    this.isSpace = isSpace;
    this.#state = events;
  }

  content(type: string, stateKey = ""): Readonly<Record<string, unknown>> | undefined {
    return this.#state.find((one) => one.type === type && one.state_key === stateKey)?.content;
  }

  membershipOf(userId: string): unknown {
    return this.content("m.room.member", userId)?.["membership"];
  }

  get creator(): string | undefined {
    return this.#state.find(({ type }) => type === "m.room.create")?.sender;
  }

  /** The rooms that it holds as a space. */
  get children(): readonly string[] {
    return this.#state
      .filter(({ type, content }) => type === "m.space.child" && Array.isArray(content["via"]))
      .map(({ state_key }) => state_key);
  }
}

/** Looks at the homeserver from outside. */
export class Observer {
  readonly serverName: string;
  readonly ada: Person;
  readonly #baseUrl: string;
  readonly #token: string;

  constructor(synapse: Synapse, people: { readonly admin: MatrixUser; readonly ada: MatrixUser }) {
    this.serverName = synapse.serverName;
    this.#baseUrl = synapse.baseUrl;
    this.#token = people.admin.accessToken;
    this.ada = new Person(synapse.baseUrl, people.ada);
  }

  /** All users but people. */
  async agentUsers(): Promise<readonly string[]> {
    const { users: all } = users.parse(await this.#ask("/_synapse/admin/v2/users?limit=1000&guests=false"));
    return all.map(({ name }) => name).filter((name) => name.startsWith("@agent_"));
  }

  /** All rooms that there are. */
  async rooms(): Promise<readonly SeenRoom[]> {
    const { rooms: all } = rooms.parse(await this.#ask("/_synapse/admin/v1/rooms?limit=1000"));
    return Promise.all(
      all.map(async ({ room_id: roomId, room_type: type }) => {
        const answer = await this.#ask(`/_synapse/admin/v1/rooms/${encodeURIComponent(roomId)}/state`);
        return new SeenRoom(roomId, type === "m.space", state.parse(answer).state);
      }),
    );
  }

  /** The room that an alias names. */
  async named(alias: string): Promise<string | undefined> {
    const answer = await this.#ask(`/_matrix/client/v3/directory/room/${encodeURIComponent(alias)}`);
    return directory.safeParse(answer).data?.room_id;
  }

  async #ask(path: string): Promise<unknown> {
    const response = await fetch(`${this.#baseUrl}${path}`, { headers: { authorization: `Bearer ${this.#token}` } });
    return response.json();
  }
}
