import type { Human } from "./human.ts";
import type { AgentRoom } from "./rooms.ts";
import type { Screen } from "./screen.ts";

/** What is there, and what one can do with it. */

export interface Scene {
  readonly homeserver: string;
  readonly human: Human;
  readonly spaceName: string;
  readonly spaceAlias: string;
  readonly agents: readonly { readonly name: string; readonly room: AgentRoom }[];
  readonly model: string;
  readonly folder: string;
  readonly logFile: string;
  readonly pids: readonly { readonly name: string; readonly pid: number }[];
}

export function showScene(screen: Screen, scene: Scene): void {
  const { homeserver, human, agents, spaceName, spaceAlias, model } = scene;
  screen.heading("What runs");
  screen.fact("Homeserver", homeserver);
  screen.fact("User", human.userId);
  screen.fact("Password", human.password);
  screen.fact("Space", `${spaceName}, ${spaceAlias}`);
  for (const { name, room } of agents) screen.fact(name, room.alias);
  screen.fact("Model", model);
}

export function showWhatNext(screen: Screen, scene: Scene): void {
  const { homeserver, human, agents, pids } = scene;
  screen.heading("Your turn");
  screen.hint(`In Element: “Sign in”, edit the homeserver to be ${homeserver},`);
  screen.hint("and give the user and password above. The agents' rooms are there already.");
  const [first] = agents;
  if (first !== undefined) {
    screen.line();
    screen.hint(`With curl, in another terminal (the last line shows what ${first.name} says: repeat it):`);
    screen.line();
    screen.command(curlExample(homeserver, human.tokenFile, first.room.roomId));
  }
  screen.line();
  screen.hint("Or kill a server in the middle of an answer: the demo starts it again, and the");
  screen.hint(`answer comes all the same, once. ${pids.map(({ name, pid }) => `${name}: kill -9 ${pid}`).join(", ")}`);
  screen.line();
  screen.fact("Logs", scene.logFile);
  screen.fact("Data", `${scene.folder} (delete it to begin anew)`);
}

/** Works in every POSIX shell: the room id's "!" is encoded, since interactive shells would expand it. */
export function curlExample(homeserver: string, tokenFile: string, roomId: string): string {
  const room = encodeURIComponent(roomId).replaceAll("!", "%21");
  const content = '\'{"msgtype": "m.text", "body": "Hello! What can you do?"}\'';
  return [
    `ROOM=${homeserver}/_matrix/client/v3/rooms/${room}`,
    `AUTH="Authorization: Bearer $(cat '${tokenFile}')"`,
    `curl -X PUT -H "$AUTH" -d ${content} "$ROOM/send/m.room.message/$(date +%s)"`,
    `curl -s -H "$AUTH" "$ROOM/messages?dir=b&limit=1" | grep -oE '"body":"([^"\\\\]|\\\\.)*"' | tail -n 1`,
  ].join("\n");
}
