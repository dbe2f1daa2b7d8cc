import { createRequire } from "node:module";

/** Biome's program, where the optional package for this platform is installed. */
export const biome = find();

function find(): string | undefined {
  try {
    return createRequire(import.meta.url).resolve(`@biomejs/cli-${process.platform}-${process.arch}/biome`);
  } catch {
    return undefined;
  }
}
