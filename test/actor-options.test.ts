import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { actorOptionsOf, reconfigureActors } from "../src/actor-options.ts";
import { keysOf } from "../src/config/key.ts";
import { loadConfig } from "../src/config/load.ts";
import { configFile } from "../src/config/schema.ts";

const minimal = `
homeserver: { url: "http://localhost:8008", server_name: example.org, registration: { shared_secret: s3cret } }
letta: { url: "ws://127.0.0.1:4500" }
`;

/** Another value of each key that a running process can take over, but for the log's level, which no actor has. */
const others: Readonly<Record<string, string>> = {
  invite: 'invite: ["@new:example.org"]',
  "space.name": "space: { name: Other }",
  "discovery.interval": "discovery: { interval: 7m }",
  "discovery.grace": "discovery: { grace: 7h }",
  "discovery.disabled": "discovery: { disabled: [agent-7] }",
  "audit.interval": "audit: { interval: 7h }",
  "rooms.name": 'rooms: { name: "{agent}" }',
  "avatars.picture": "avatars: { picture: none }",
  "history.import": "history: { import: 7 }",
  "invitations.people": 'invitations: { people: ["@new:example.org"] }',
  "invitations.servers": "invitations: { servers: [example.net] }",
  "commands.people": 'commands: { people: ["@new:example.org"] }',
  "agents.most_hops": "agents: { most_hops: 7 }",
  "drafts.rate": "drafts: { rate: 7 }",
  "drafts.burst": "drafts: { burst: 7 }",
};

async function optionsOf(text: string) {
  const folder = await mkdtemp(join(tmpdir(), "options-"));
  const file = join(folder, "letta-matrix.yaml");
  await writeFile(file, text);
  const options = actorOptionsOf(await loadConfig(file, {}));
  await rm(folder, { recursive: true });
  return options;
}

/** What the actors see, the picture by what is drawn with it. */
function seen({ picture, ...options }: Awaited<ReturnType<typeof optionsOf>>) {
  return structuredClone({ ...options, picture: picture.of("agent-1")?.source });
}

test("all that SIGHUP can change is tried here", () => {
  const live = keysOf(configFile).filter(({ reload }) => reload?.kind === "live");
  expect(live.map(({ path }) => path.join(".")).toSorted()).toEqual([...Object.keys(others), "log.level"].toSorted());
});

test.each(Object.entries(others))("a change of %s reaches what the actors were given", async (_, line) => {
  const options = await optionsOf(minimal);
  const before = seen(options);
  const next = await optionsOf(minimal + line);
  reconfigureActors(options, next);
  expect(seen(options)).not.toEqual(before);
  expect(seen(options)).toEqual(seen(next));
});
