import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildIn, type Patch } from "../crash/patches.ts";
import { leaksOf } from "./canaries.ts";

/** Tests of secrets.test.ts itself: it finds what a build leaks. */

interface LeakyBuild extends Pick<Patch, "name" | "file" | "replacements"> {
  /** What must be found. */
  readonly secret: RegExp;
  readonly place: RegExp;
}

/** Defects that somebody could build into the product. */
const leaky: readonly LeakyBuild[] = [
  {
    name: "a token's holder is called by the token",
    file: "commands/access/tokens.ts",
    replacements: [["      name: `", "      name: token + `"]],
    secret: /an API token/,
    place: /the store's row l\|audit/,
  },
  {
    name: "what was asked is logged with its headers",
    file: "api/server.ts",
    replacements: [
      [
        "      admit(request, admission);",
        '      admit(request, admission);\n      logger.warn({ shown: JSON.stringify(request.headers) }, "asked");',
      ],
    ],
    secret: /an API token/,
    place: /the log/,
  },
  {
    name: "what the homeserver quotes is believed to be harmless",
    file: "matrix/failure.ts",
    replacements: [['text.replaceAll(secret, "[secret]")', "text"]],
    secret: /the session/,
    place: /api\/v1\/rooms|the store's row/,
  },
];

describe("of a product built with the leak", { timeout: 240_000 }, () => {
  let dir: string;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), "secrets-"));
  });
  afterAll(() => rm(dir, { recursive: true, force: true }));

  test.each(leaky)("$name: it is caught", async ({ secret, place, ...patch }) => {
    const source = await buildIn(patch, join(dir, "built", patch.name.replaceAll(/\W/g, "-")));
    const leaks = await leaksOf(
      join(dir, patch.name.replaceAll(/\W/g, "-").slice(0, 12)),
      join(source, "cli", "main.ts"),
    );
    expect(leaks).toContainEqual({ secret: expect.stringMatching(secret), place: expect.stringMatching(place) });
  });
});
