import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { leaksOf } from "./canaries.ts";

describe("#46 a secret is in no answer, log, record, journal, crash report, dead letter or audit row, nor in what the command line shows", {
  timeout: 240_000,
}, () => {
  let dir: string;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), "secrets-"));
  });
  afterAll(() => rm(dir, { recursive: true, force: true }));

  test("whatever callers show, and the homeserver quotes", async () => {
    expect(await leaksOf(join(dir, "own"))).toEqual([]);
  });

  test("also where Letta is spoken to by its REST API, agents have tools of ours there, and it quotes what it was shown", async () => {
    expect(await leaksOf(join(dir, "rest"), { letta: "rest" })).toEqual([]);
  });

  test("also where the homeserver pushes, and whichever of the two tokens is shown", async () => {
    expect(await leaksOf(join(dir, "pushed"), { transport: "appservice" })).toEqual([]);
  });
});
