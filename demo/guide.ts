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
  screen.fact("Space", `${spaceName}, ${spaceAlias}, with a room for each agent:`);
  for (const { name, room } of agents) screen.fact(name, room.alias);
  screen.fact("Model", model);
}

export function showWhatNext(screen: Screen, scene: Scene): void {
  const { homeserver, human, agents, pids } = scene;
  screen.heading("Your turn");
  screen.hint(`Element: “Sign in”, change the homeserver to ${homeserver}, then the user and password above.`);
  const [first] = agents;
  if (first !== undefined) {
    screen.hint(`Or curl, from another terminal; the second line shows what ${first.name} has answered:`);
    screen.line();
    screen.command(curlExample(homeserver, human.tokenFile, first.room.roomId));
    screen.line();
  }
  screen.hint(
    `Or kill -9 a server in the middle of an answer (${pids.map(({ name, pid }) => `${name} ${pid}`).join(", ")}):`,
  );
  screen.hint("the demo starts it again, and the answer comes all the same, once.");
  screen.line();
  screen.fact("Logs", scene.logFile);
  screen.fact("Data", `${scene.folder}: kept for the next start; delete it to begin anew`);
}

/** Works in every POSIX shell: the room id's "!" is encoded, since interactive shells would expand it. */
export function curlExample(homeserver: string, tokenFile: string, roomId: string): string {
  const room = `${homeserver}/_matrix/client/v3/rooms/${encodeURIComponent(roomId).replaceAll("!", "%21")}`;
  const authorization = `-H "Authorization: Bearer $(cat '${tokenFile}')"`;
  const content = '\'{"msgtype": "m.text", "body": "Hello! What can you do?"}\'';
  return [
    `curl -X PUT ${authorization} -d ${content} "${room}/send/m.room.message/$(date +%s)"`,
    `curl -s ${authorization} "${room}/messages?dir=b&limit=1"`,
  ].join("\n");
}
