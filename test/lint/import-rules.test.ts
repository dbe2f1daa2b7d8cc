import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { biome } from "./biome.ts";

/** Each rule of the house, shown to fire: which file may import what. */

const project = join(import.meta.dirname, "..", "..");

const refused = [
  ["src/machines/x.ts", "../actors/y.ts"],
  ["src/machines/x.ts", "../runtime/embedded/host.ts"],
  ["src/machines/x.ts", "node:fs"],
  ["src/runtime/x.ts", "../machines/agent/index.ts"],
  ["src/runtime/embedded/x.ts", "../../matrix/port.ts"],
  ["src/runtime/x.ts", "../telemetry/logger.ts"],
  ["src/actors/x.ts", "../matrix/client.ts"],
  ["src/actors/agent/x.ts", "../../letta/app-server/backend.ts"],
  ["src/actors/agent/x.ts", "../../commands/command.ts"],
  ["src/actors/agent/x.ts", "../../runtime/embedded/host.ts"],
  ["src/actors/agent/x.ts", "matrix-js-sdk"],
  ["src/matrix/x.ts", "../letta/port.ts"],
  ["src/matrix/x.ts", "../actors/directory.ts"],
  ["src/letta/app-server/x.ts", "../../matrix/port.ts"],
  ["src/commands/x.ts", "../cli/program.ts"],
  ["src/commands/status/x.ts", "../../matrix/port.ts"],
  ["src/commands/status/x.ts", "../../runtime/embedded/store.ts"],
  ["src/cli/x.ts", "../actors/directory.ts"],
  ["src/cli/x.ts", "../runtime/embedded/host.ts"],
  ["src/cli/x.ts", "../app.ts"],
  ["src/commands/x.ts", "../app.ts"],
  ["src/config/x.ts", "../runtime/clock.ts"],
  ["src/telemetry/x.ts", "../actors/directory.ts"],
] as const;

const allowed = [
  ["src/machines/x.ts", "xstate"],
  ["src/machines/x.ts", "../runtime/step.ts"],
  ["src/runtime/embedded/x.ts", "../clock.ts"],
  ["src/actors/agent/x.ts", "../directory.ts"],
  ["src/actors/agent/x.ts", "../../machines/agent/index.ts"],
  ["src/actors/agent/x.ts", "../../matrix/port.ts"],
  ["src/matrix/x.ts", "node:crypto"],
  ["src/commands/status/x.ts", "../../machines/index.ts"],
  ["src/cli/x.ts", "../commands/index.ts"],
  ["src/cli/main.ts", "../app.ts"],
  ["src/app.ts", "./actors/directory.ts"],
  ["test/x.ts", "../src/runtime/embedded/host.ts"],
] as const;

const reportSchema = z.object({
  diagnostics: z.array(z.object({ category: z.string(), location: z.object({ path: z.unknown() }) })),
});

describe.runIf(biome !== undefined)("the import rules", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "lint-"));
    for (const file of ["biome.json", "biome-imports.json"]) copyFileSync(join(project, file), join(folder, file));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  /** The categories of what Biome finds in a file of this content at this place. */
  function lint(file: string, code: string): readonly string[] {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), code);
    try {
      const { stdout } = spawnSync(biome ?? "", ["lint", "--reporter=json", file], { cwd: folder, encoding: "utf8" });
      return reportSchema.parse(JSON.parse(stdout)).diagnostics.map(({ category }) => category);
    } finally {
      rmSync(join(folder, file));
    }
  }

  test.each(refused)("%s must not import %s", (file, imported) => {
    expect(lint(file, `import { y } from "${imported}";\n\nexport const x = y;\n`)).toEqual([
      "lint/style/noRestrictedImports",
    ]);
  });

  test.each(allowed)("%s may import %s", (file, imported) => {
    expect(lint(file, `import { y } from "${imported}";\n\nexport const x = y;\n`)).toEqual([]);
  });

  test.each([
    ["a type", 'export type { y } from "../matrix/client.ts";\n'],
    ["what is exported again", 'export * from "../matrix/client.ts";\n'],
    ["what is loaded late", 'export const x = () => import("../matrix/client.ts");\n'],
  ])("hold for %s too", (_, code) => {
    expect(lint("src/actors/x.ts", code)).toEqual(["lint/style/noRestrictedImports"]);
  });

  test.each([
    ["lint/suspicious/noExplicitAny", "export const x: any = 1;\n"],
    ["lint/style/noNonNullAssertion", "export const x = (y?: string) => y!.length;\n"],
    ["lint/nursery/noFloatingPromises", "async function y() {}\nexport function x() {\n  y();\n}\n"],
  ])("%s fires", (rule, code) => {
    expect(lint("src/actors/x.ts", code)).toEqual([rule]);
  });

  test("a cycle is found", () => {
    mkdirSync(join(folder, "src/actors"), { recursive: true });
    writeFileSync(join(folder, "src/actors/a.ts"), 'import { b } from "./b.ts";\n\nexport const a = b;\n');
    expect(lint("src/actors/b.ts", 'import { a } from "./a.ts";\n\nexport const b = a;\n')).toEqual([
      "lint/suspicious/noImportCycles",
    ]);
  });
});
