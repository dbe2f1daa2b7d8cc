import { defineConfig } from "vitest/config";

/** Tests that start a real Synapse or Letta. */
const real = [
  "test/**/*.real.test.ts",
  "test/e2e/**/*.test.ts",
  "test/contract/**/*.test.ts",
  "test/servers/{synapse,letta,stack}*.test.ts",
];
/** Tests that are too slow for every day. */
const slow = ["test/packaging/**/*.test.ts"];

export default defineConfig({
  test: {
    // Tests that run side by side in one file mostly wait for a server.
    maxConcurrency: 20,
    reporters: ["default", "./test/reporter.ts"],
    projects: [
      {
        extends: true,
        test: {
          name: "unit",
          include: ["test/**/*.test.ts"],
          exclude: [...real, ...slow],
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: "real",
          include: real,
          globalSetup: "./test/real-setup.ts",
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: "slow",
          include: slow,
          fileParallelism: false,
          testTimeout: 240_000,
          hookTimeout: 240_000,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
