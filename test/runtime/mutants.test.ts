import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import type { Law } from "./laws/town.ts";

/** A way to break the runtime, which a law must notice. */
interface Mutant {
  readonly name: string;
  readonly file: string;
  readonly from: string;
  readonly to: string;
  readonly law: Law;
}

const mutants: readonly Mutant[] = [
  {
    name: "effect before commit",
    file: "embedded/cell.ts",
    from: "    this.#uncommitted++;\n",
    to: "    this.#uncommitted++;\n    for (const batch of batches) batch.letLoose();\n",
    law: "written first",
  },
  {
    name: "restart before commit",
    file: "embedded/cell.ts",
    from: "    return this.#reported.then(() => this.#restartAfter(crash));",
    to: "    return this.#reported.finally(this.#restartAfter(crash) as undefined);",
    law: "written first",
  },
  {
    name: "outbox row removed before the send",
    file: "embedded/effect-runner.ts",
    from: "        await effect(start.input,",
    to: "        this.#host.done(key);\n        await effect(start.input,",
    law: "nothing lost",
  },
  {
    name: "commit without fsync",
    file: "embedded/store.ts",
    from: "{ sync: true }",
    to: "{ sync: false }",
    law: "nothing lost",
  },
  {
    name: "generation ignored",
    file: "step.ts",
    from: "known?.generation !== generation || known.finished",
    to: "known === undefined || known.finished",
    law: "late results",
  },
  {
    name: "late word taken",
    file: "embedded/effect-runner.ts",
    from: "      if (!host.owns(key)) throw",
    to: "      if (key === undefined) throw",
    law: "late results",
  },
  {
    name: "history forgotten",
    file: "step-draft.ts",
    from: "history: historyOf(after),",
    to: "history: {},",
    law: "history",
  },
  {
    name: "seen id not written",
    file: "embedded/cell.ts",
    from: "    if (id !== undefined && this.#record) writes.push(put(keys.seen(this.id, id), this.#host.clock.now()));\n",
    to: "",
    law: "nothing twice",
  },
  {
    name: "in-flight duplicate not known",
    file: "embedded/known-events.ts",
    from: "    this.#committing.set(id, known);\n",
    to: "",
    law: "nothing twice",
  },
  {
    name: "lane ignored",
    file: "embedded/effect-runner.ts",
    from: "    if (before !== undefined) await before;\n",
    to: "",
    law: "in order",
  },
  {
    name: "row of an ended effect kept",
    file: "embedded/cell.ts",
    from: "...endedKeys.flatMap((key) => [del(key), del(keys.checkpoint(key))])",
    to: "",
    law: "nothing left",
  },
  {
    name: "timer not taken up",
    file: "embedded/host.ts",
    from: "this.#timers.set(actor, timer, pending, pending.due > now ? this.#lastStepOf(actor) : now);",
    to: ";",
    law: "nothing lost",
  },
];

const seeds = ["1", "2", "3"];
const root = fileURLToPath(new URL("../..", import.meta.url));
const script = relative(root, fileURLToPath(new URL("laws/main.ts", import.meta.url)));
const run = promisify(execFile);
const violations = z.array(z.object({ law: z.string(), what: z.string(), seed: z.string() }));

describe("the laws notice", () => {
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "letta-matrix-mutants-"));
  });
  afterAll(() => rm(folder, { recursive: true }));

  /** Plays the town on a copy of the runtime with the mutant in it. */
  async function play(name: string, mutant?: Mutant): Promise<z.infer<typeof violations>> {
    const copy = join(folder, name.replaceAll(" ", "-"));
    await mkdir(copy);
    await cp(join(root, "src", "runtime"), join(copy, "src", "runtime"), { recursive: true });
    await cp(join(root, "test", "runtime"), join(copy, "test", "runtime"), { recursive: true });
    await symlink(join(root, "node_modules"), join(copy, "node_modules"));
    await writeFile(join(copy, "package.json"), '{ "type": "module" }');
    if (mutant !== undefined) {
      const path = join(copy, "src", "runtime", mutant.file);
      const parts = (await readFile(path, "utf8")).split(mutant.from);
      expect(parts.length - 1, `"${mutant.from.trim()}" in ${mutant.file}: a mutant must apply exactly once`).toBe(1);
      await writeFile(path, parts.join(mutant.to));
    }
    const { stdout } = await run(process.execPath, [join(copy, script), ...seeds]);
    return violations.parse(JSON.parse(stdout));
  }

  it("nothing, where nothing is wrong, with the same seeds", { timeout: 120_000 }, async () => {
    expect(await play("unpatched")).toEqual([]);
  });

  it.concurrent.each(mutants)("$name", { timeout: 120_000 }, async (mutant) => {
    const found = await play(mutant.name, mutant);
    const laws = new Set(found.map(({ law }) => law));
    const [example] = found.filter(({ law }) => law === mutant.law);
    console.log(`${mutant.name}: ${example?.law}, seed ${example?.seed}: ${example?.what}`);
    expect([...laws]).toContain(mutant.law);
  });
});
