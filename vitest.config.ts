import { defineConfig } from "vitest/config";

/** Tests that start a real Synapse or Letta. */
const real = ["test/servers/{synapse,letta,stack}*.test.ts"];
/** The whole product, as people use it and under SIGKILL. On demand, and not yet in CI: some of its cases still fail. */
const whole = ["test/e2e/**/*.test.ts", "test/crash/**/*.real.test.ts"];
/** Agents made and retired under kill -9 at each request: minutes. */
const life = ["test/life/**/*.real.test.ts"];
/** What the ports promise, and the demo: with the real servers too, but too long for the quick suite. */
const contract = ["test/contract/**/*.test.ts", "test/demo/**/*.real.test.ts"];
/** Tests that are too slow for every day. */
const slow = ["test/packaging/**/*.test.ts"];
/** How long things take under a homeserver's default rate limits: minutes, or most of an hour. */
const limits = ["test/limits/**/*.test.ts"];
/** Builds of the product with one law broken on purpose: each must be caught by the crash suite's laws. */
const patches = ["test/crash/patches.slow.test.ts"];

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
          exclude: [...real, ...whole, ...life, ...contract, ...slow, ...limits, ...patches],
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
          name: "whole",
          include: whole,
          globalSetup: "./test/real-setup.ts",
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 5 },
        },
      },
      {
        extends: true,
        test: {
          name: "life",
          include: life,
          globalSetup: "./test/real-setup.ts",
          fileParallelism: false,
          testTimeout: 600_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 6 },
        },
      },
      {
        extends: true,
        test: {
          name: "contract",
          include: contract,
          globalSetup: "./test/real-setup.ts",
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 2 },
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
          sequence: { groupOrder: 3 },
        },
      },
      {
        extends: true,
        test: {
          name: "limits",
          include: limits,
          globalSetup: "./test/real-setup.ts",
          fileParallelism: false,
          sequence: { groupOrder: 6 },
        },
      },
      {
        extends: true,
        test: {
          name: "patches",
          include: patches,
          globalSetup: "./test/real-setup.ts",
          fileParallelism: false,
          testTimeout: 240_000,
          hookTimeout: 240_000,
          sequence: { groupOrder: 4 },
        },
      },
    ],
  },
});
