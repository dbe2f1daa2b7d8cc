import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { productSource } from "../crash/world.ts";
import { playFullDisk } from "./full-disk-story.ts";

let dir: string;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "letta-matrix-full-"));
});

afterAll(() => rm(dir, { recursive: true }));

test("every question gets one answer, when there is room again for those that came while there was none", {
  timeout: 120_000,
}, async ({ skip }) => {
  const broken = await playFullDisk({ dir, source: productSource });
  if ("refused" in broken) return skip(broken.refused);
  expect(broken).toEqual([]);
});
