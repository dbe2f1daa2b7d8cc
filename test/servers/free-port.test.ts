import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { expect, it } from "vitest";
import { freePort } from "./free-port.ts";

const [from, below] = [14_990, 14_992];
const script = `
  import { freePort } from ${JSON.stringify(join(import.meta.dirname, "free-port.ts"))};
  console.log(await freePort(${from}, ${below}));
  setInterval(() => {}, 1000);
`;

it("is given to one process at a time, although nothing listens on it yet, and again when that process is gone", async () => {
  const here = await freePort(from, below);
  const other = spawn(process.execPath, ["--input-type=module-typescript", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  try {
    const [there] = await once(createInterface({ input: other.stdout }), "line");
    expect([here, Number(there)].sort()).toEqual([from, from + 1]);
    await expect(freePort(from, below)).rejects.toThrow("no free port found");
    other.kill("SIGKILL");
    await once(other, "exit");
    expect(await freePort(from, below)).toBe(Number(there));
  } finally {
    other.kill("SIGKILL");
  }
});
