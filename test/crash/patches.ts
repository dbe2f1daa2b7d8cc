import { cp, mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Boundary, KillKind } from "./boundaries.ts";
import type { HomeserverKind } from "./homeservers.ts";
import type { LawName } from "./laws.ts";
import { productSource } from "./world.ts";

/** A fault that somebody could build into the product, and how the crash suite has to find it. */
export interface Patch {
  readonly name: string;
  /** Below `src/`. */
  readonly file: string;
  /** What stands there exactly once, and what is put in its place. */
  readonly replacements: readonly (readonly [string, string])[];
  /** Where it shows. */
  readonly homeserver: HomeserverKind;
  /** Kills of this there show it. */
  readonly kill: KillKind;
  readonly boundary: Boundary;
  readonly occurrence: number;
  /** Before each write to the store, ms. */
  readonly slowCommits: number;
  /** The law that is broken, for the very message at which the product was killed where it was at one. */
  readonly breaks: LawName;
  /** Laws that may be broken with it. */
  readonly alongside: readonly LawName[];
}

/** On the way from a message to its answer. */
export const deliveryPatches: readonly Patch[] = [
  {
    name: "effect-before-commit",
    file: "runtime/embedded/cell.ts",
    replacements: [
      [
        "    this.#uncommitted++;\n    const durable =",
        "    this.#uncommitted++;\n    for (const batch of batches) batch.letLoose();\n    const durable =",
      ],
      ["      .then(() => {\n        for (const batch of batches) batch.letLoose();\n", "      .then(() => {\n"],
    ],
    homeserver: "real",
    kill: "letta-matrix",
    boundary: "asked",
    occurrence: 1,
    // 40 ms are enough where Letta takes an input in less than that.
    slowCommits: 200,
    breaks: "asked-as-allowed",
    alongside: [],
  },
  {
    name: "random-transaction-id",
    file: "matrix/transaction-id.ts",
    replacements: [["name.cause, name.part])", "name.cause, name.part, Math.random()])"]],
    homeserver: "real",
    kill: "letta-matrix",
    boundary: "sent",
    occurrence: 1,
    slowCommits: 0,
    breaks: "answered-once",
    alongside: ["no-draft-left-hanging"],
  },
  {
    name: "outbox-removed-before-send",
    file: "runtime/embedded/effect-runner.ts",
    replacements: [
      [
        "      const output = await Promise.race([\n",
        '      if (name === "reply") await this.#store.commit([{ type: "del", key }]);\n' +
          "      const output = await Promise.race([\n",
      ],
    ],
    homeserver: "real",
    kill: "letta-matrix",
    boundary: "sending",
    occurrence: 1,
    slowCommits: 0,
    breaks: "no-answer-lost",
    alongside: ["no-draft-left-hanging"],
  },
  {
    name: "cursor-before-events",
    file: "runtime/embedded/step-batch.ts",
    replacements: [["    writes.push(put(key, row));\n    return [to,", "    return [to,"]],
    homeserver: "real",
    kill: "letta-matrix",
    boundary: "committed",
    occurrence: 1,
    slowCommits: 0,
    breaks: "no-answer-lost",
    alongside: [],
  },
];

/** In what is found again after a kill. */
export const recoveryPatches: readonly Patch[] = [
  {
    name: "commit-not-synced",
    file: "runtime/embedded/store.ts",
    replacements: [["{ sync: true }", "{ sync: false }"]],
    homeserver: "real",
    kill: "letta-matrix",
    boundary: "final-committed",
    occurrence: 1,
    slowCommits: 0,
    breaks: "asked-as-allowed",
    alongside: ["no-second-registration-login-room-space", "no-draft-left-hanging"],
  },
  {
    name: "not-looked-for-in-the-room",
    file: "actors/said.ts",
    replacements: [["(await findSaid(client, saying, signal)) ?? ", ""]],
    // It forgets transaction ids.
    homeserver: "dendrite",
    kill: "all",
    boundary: "sent",
    occurrence: 1,
    slowCommits: 0,
    breaks: "answered-once",
    alongside: ["no-draft-left-hanging"],
  },
  {
    name: "session-not-kept",
    file: "actors/sessions.ts",
    replacements: [["    await this.#vault.set(nameOf(userId), JSON.stringify(credentials));\n", ""]],
    homeserver: "real",
    kill: "letta-matrix",
    boundary: "starting",
    occurrence: 6,
    slowCommits: 0,
    breaks: "no-second-registration-login-room-space",
    alongside: [],
  },
  {
    name: "room-without-alias",
    file: "actors/agent/room.ts",
    replacements: [
      [
        "aliasLocalpart: agentLocalpart(room.agentId),",
        "aliasLocalpart: agentLocalpart(room.agentId) + Math.random(),",
      ],
    ],
    homeserver: "real",
    kill: "letta-matrix",
    boundary: "after createRoom",
    occurrence: 1,
    slowCommits: 0,
    breaks: "one-of-each",
    alongside: ["no-second-registration-login-room-space"],
  },
];

/** Copies the product's source into `dir` with the fault built in, and gives the folder. */
export async function buildIn(
  { name, file, replacements }: Pick<Patch, "name" | "file" | "replacements">,
  dir: string,
): Promise<string> {
  const project = dirname(productSource);
  const source = join(dir, "src");
  await mkdir(dir, { recursive: true });
  await cp(productSource, source, { recursive: true });
  await cp(join(project, "package.json"), join(dir, "package.json"));
  await symlink(join(project, "node_modules"), join(dir, "node_modules"));
  let text = await readFile(join(source, file), "utf8");
  for (const [from, to] of replacements) {
    const parts = text.split(from);
    if (parts.length !== 2)
      throw new Error(`${name}: this stands ${parts.length - 1} times in src/${file}, adapt the patch: ${from}`);
    text = parts.join(to);
  }
  await writeFile(join(source, file), text);
  return source;
}
