import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ensureLetta } from "./install.ts";

describe("installing a server", { timeout: 300_000 }, () => {
  let root: string;

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), "install-"));
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    await rm(root, { recursive: true, force: true });
  });

  it("says what to install when there is no suitable Python", async () => {
    vi.stubEnv("PYTHON", join(root, "python3"));
    await expect(ensureLetta({ root, progress: () => {} })).rejects.toThrow(
      /Python 3\.11 or newer with venv.*apt install python3 python3-venv/s,
    );
  });
});
