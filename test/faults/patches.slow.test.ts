import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildIn } from "../crash/patches.ts";
import { playFullDisk } from "../e2e/full-disk-story.ts";
import { nameOf } from "./matrix.ts";
import { defects, fullDiskDefects } from "./patches.ts";

/** Tests of the fault suite itself: a cell finds the defect that it is there for. */

const main = join(import.meta.dirname, "main.ts");

describe("of a product built with the defect", () => {
  let dir: string;

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), "letta-matrix-defects-"));
  });

  afterAll(async () => {
    await rm(dir, { recursive: true, force: true });
  });

  /** What the suite says of one cell. */
  async function judged(cell: string, source?: string): Promise<string> {
    const built = source === undefined ? [] : ["--source", source];
    const args = [main, "--seed", "1", "--rest-within", "25000", "--cell", cell, ...built];
    const child = spawn(process.execPath, args, {
      stdio: ["ignore", "pipe", "inherit"],
      env: { ...process.env, TMPDIR: dir },
    });
    return text(child.stdout);
  }

  test.each(defects)("$name, $phase × $fault finds it; the product as it stands passes", async (defect) => {
    const cell = nameOf(defect);
    expect(await judged(cell)).toMatch(/^2 passed, 0 failed$/m);
    const said = await judged(cell, await buildIn(defect, join(dir, defect.name)));
    expect(said).toMatch(defect.found);
    expect(said).not.toContain("broke off");
  });

  /** The product as it stands passes in test/e2e/full-disk.test.ts. */
  test.for(fullDiskDefects)("$name is found by what people see of a full disk", async (defect, { skip }) => {
    const source = await buildIn(defect, join(dir, defect.name));
    // Short, for the control socket is in it.
    const broken = await playFullDisk({ dir: join(dir, "disk"), source, within: 5_000 });
    if ("refused" in broken) return skip(broken.refused);
    for (const found of defect.found) expect(broken).toContainEqual(expect.stringMatching(found));
  });
});
