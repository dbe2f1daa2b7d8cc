import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildIn, type Patch } from "../crash/patches.ts";
import { leaksOf, type Setting } from "./canaries.ts";

/** Tests of secrets.test.ts itself: it finds what a build leaks. */

interface LeakyBuild extends Pick<Patch, "name" | "file" | "replacements"> {
  /** What must be found. */
  readonly secret: RegExp;
  readonly place: RegExp;
  readonly setting?: Setting;
  /** Besides, in other files. */
  readonly also?: Pick<Patch, "file" | "replacements">;
}

const quoting: Pick<Patch, "file" | "replacements"> = {
  file: "matrix/failure.ts",
  replacements: [['text.replaceAll(secret, "[secret]")', "text"]],
};

/** Has actors crash on what the homeserver refuses. */
const crashing: Pick<Patch, "file" | "replacements"> = {
  file: "machines/wait.ts",
  replacements: [
    [
      '  const { kind = "", retryAfterMs = 0 } = failureOf(event);\n',
      '  const { kind = "", retryAfterMs = 0, message } = failureOf(event);\n  if (kind === "forbidden") throw new Error(message);\n',
    ],
  ],
};

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
    ...quoting,
    secret: /the session/,
    place: /api\/v1\/rooms|the store's row/,
  },
  {
    name: "crash reports hold what the homeserver quotes",
    ...crashing,
    also: quoting,
    secret: /the session/,
    place: /the store's row c\|/,
  },
  {
    name: "what the homeserver quotes to an application service is believed to be harmless",
    ...quoting,
    setting: { transport: "appservice" },
    secret: /the application service's token/,
    place: /api\/v1\/rooms|the store's row/,
  },
  {
    name: "whoever asks for what is not there is told what it has shown",
    file: "matrix/appservice/listener.ts",
    replacements: [['"there is no such endpoint"', "`there is no such endpoint for ${".concat("token}`")]],
    setting: { transport: "appservice" },
    secret: /the homeserver's token/,
    place: /_matrix\/app\/v1\/nothing/,
  },
  {
    name: "what Letta quotes is believed to be harmless",
    file: "letta/rest/errors.ts",
    replacements: [["asked.shown ?? []", "[]"]],
    setting: { letta: "rest" },
    secret: /the key of Letta/,
    place: /the room/,
  },
];

describe("of a product built with the leak", { timeout: 240_000 }, () => {
  let dir: string;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), "secrets-"));
  });
  afterAll(() => rm(dir, { recursive: true, force: true }));

  test("what an actor that crashes on a refusal leaves behind holds no secret", async () => {
    const source = await buildIn({ name: "crashing", ...crashing }, join(dir, "built", "crashing"));
    expect(await leaksOf(join(dir, "crashing"), { program: join(source, "cli", "main.ts") })).toEqual([]);
  });

  test.each(leaky)("$name: it is caught", async ({ secret, place, setting, also, ...patch }) => {
    // Its control socket is below that folder, and sockets have short paths.
    const short = `leaky-${leaky.findIndex(({ name }) => name === patch.name)}`;
    const source = await buildIn(patch, join(dir, "built", short));
    if (also !== undefined) await change(source, also);
    const program = join(source, "cli", "main.ts");
    const leaks = await leaksOf(join(dir, short), { program, ...setting });
    expect(leaks).toContainEqual({ secret: expect.stringMatching(secret), place: expect.stringMatching(place) });
  });
});

/** Changes one more file of a build. */
async function change(source: string, { file, replacements }: Pick<Patch, "file" | "replacements">): Promise<void> {
  let text = await readFile(join(source, file), "utf8");
  for (const [from, to] of replacements) {
    if (text.split(from).length !== 2) throw new Error(`this does not stand once in src/${file}: ${from}`);
    text = text.replace(from, () => to);
  }
  await writeFile(join(source, file), text);
}
