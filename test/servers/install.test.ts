import { spawn } from "node:child_process";
import { access, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ensureEnvironment } from "./install.ts";

describe("installing a server", { timeout: 120_000 }, () => {
  let root: string;
  let pins: string;
  let lines: string[];
  const progress = (line: string) => lines.push(line);
  const ensure = () => ensureEnvironment("Thing", pins, { root, progress });

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), "install-"));
    pins = join(root, "thing.requirements.txt");
    lines = [];
    await writeFile(pins, "# nothing, so that no network is needed\n");
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    await rm(root, { recursive: true, force: true });
  });

  it("happens once, also when several ask at the same moment; other pins count only once pip has installed them", async () => {
    const environments = await Promise.all([ensure(), ensure(), ensure()]);
    expect(new Set(environments)).toEqual(new Set([join(root, "thing")]));
    await access(join(root, "thing", "bin", "python"));
    const installs = () => lines.filter((line) => line.includes("installing from PyPI")).length;
    expect(installs()).toBe(1);
    expect(lines.filter((line) => line.includes("waiting for another process"))).toHaveLength(2);
    await ensure();
    expect(installs()).toBe(1);

    await writeFile(pins, "./no-such-package-here\n");
    await expect(ensure()).rejects.toThrow(/installing with pip failed.*no-such-package-here/s);
    await expect(access(join(root, "thing", "installed"))).rejects.toThrow();
  });

  it("starts over after an installer was killed, and does not wait for it", async () => {
    const script = `
      import { ensureEnvironment } from ${JSON.stringify(join(import.meta.dirname, "install.ts"))};
      await ensureEnvironment("Thing", ${JSON.stringify(pins)}, { root: ${JSON.stringify(root)} });
    `;
    await writeFile(join(root, "installer.mts"), script);
    const installer = spawn(process.execPath, [join(root, "installer.mts")], { stdio: "ignore" });
    await expect.poll(() => readdir(join(root, "thing")).catch(() => []), { timeout: 20_000 }).toContain("lib");
    installer.kill("SIGKILL");
    await ensure();
    await access(join(root, "thing", "installed"));
    expect(lines[0]).toContain("installing from PyPI");
  });

  it("says what to install when there is no suitable Python", async () => {
    vi.stubEnv("PYTHON", join(root, "python3"));
    await expect(ensure()).rejects.toThrow(/Python 3\.11 or newer with venv.*apt install python3 python3-venv/s);
  });
});
