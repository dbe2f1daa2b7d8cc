import { once } from "node:events";
import { createServer } from "node:net";
import { afterEach, expect, test, vi } from "vitest";
import { z } from "zod";
import { PublicWithoutTokens } from "../src/api/exposure.ts";
import type { NewToken } from "../src/commands/access/tokens.ts";
import { Changes } from "../src/commands/watch/changes.ts";
import type { RunningChild } from "../src/runtime/supervisor.ts";
import { surfacesOf } from "../src/surfaces.ts";
import { createLogger } from "../src/telemetry/logger.ts";
import { town } from "./actors/town.ts";
import { callersInMemory } from "./commands/callers.ts";
import { config } from "./commands/doctor/healthy.ts";
import { FakePeople } from "./ports/fake-people.ts";

let running: RunningChild | undefined;
afterEach(() => running?.stop());

const token: NewToken = { name: "dashboard", scopes: ["agents:read"] };

/** An HTTP server that other machines reach, by those who have been let in. */
async function publicServer(port = 0) {
  const { homeserver, sessions } = await town();
  const callers = await callersInMemory();
  const { clock, tokens } = callers;
  const surfaces = surfacesOf({
    ...callers,
    config: { ...config, api: { ...config.api, listen: { host: "0.0.0.0", port } } },
    commands: [],
    changes: new Changes({ subscribe: () => () => undefined }, clock),
    logger: createLogger({ level: "fatal", secrets: [] }),
    former: {
      homeserver,
      people: new FakePeople(homeserver),
      sessions,
      host: { async *list() {}, read: () => undefined },
      botUserId: "@letta-matrix:test",
    },
  });
  const http = surfaces.find(({ id }) => id === "http server");
  const start = async () => {
    running = await http?.start({ incarnation: 1, signal: new AbortController().signal });
    return running;
  };
  return { clock, tokens, start };
}

test("others are served nothing while nobody has a token, or only one that is over or revoked", async () => {
  const { clock, tokens, start } = await publicServer();
  await expect(start()).rejects.toThrow(PublicWithoutTokens);
  await tokens.create({ ...token, expiresAt: clock.now() + 1_000 });
  clock.advance(1_000);
  await expect(start()).rejects.toThrow(PublicWithoutTokens);
  await tokens.revoke((await tokens.create(token)).id);
  await expect(start()).rejects.toMatchObject({ remedy: expect.stringContaining("letta-matrix token create") });
  await tokens.create(token);
  expect(await start()).toBeDefined();
});

test("a server that cannot listen holds on to nothing, however often it is started again", async () => {
  const other = createServer().listen(0, "0.0.0.0");
  await once(other, "listening");
  const { port } = z.object({ port: z.number() }).parse(other.address());
  const { tokens, start } = await publicServer(port);
  await tokens.create(token);
  let listening = 0;
  vi.spyOn(tokens, "onRevoked").mockImplementation(() => {
    listening++;
    return () => {
      listening--;
    };
  });
  for (let time = 0; time < 3; time++) await expect(start()).rejects.toThrow("cannot listen");
  expect(tokens.onRevoked).toHaveBeenCalled();
  expect(listening).toBe(0);
  other.close();
});
