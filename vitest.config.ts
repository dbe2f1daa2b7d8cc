import { defineConfig } from "vitest/config";

/** On a real Synapse and a real Letta: the whole product, as people use it and under a few kills. */
const real = [
  "test/servers/{synapse,letta,stack}*.test.ts",
  "test/e2e/e2e.real.test.ts",
  "test/crash/quick.real.test.ts",
];
/** The same, where waiting is most of it: servers that go away and come back. */
const outages = ["test/e2e/outages.real.test.ts"];
/** What the ports promise, and the demo: with the real servers too, but too long for the quick suite. */
const contract = ["test/contract/**/*.test.ts", "test/demo/**/*.real.test.ts"];
/** The same contract on Letta's V1 server, which takes minutes to install. */
const lettaV1 = ["test/contract/letta/letta-v1.real.test.ts"];
/** Tests that are too slow for every day. */
const slow = ["test/packaging/**/*.test.ts"];
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
          exclude: [...real, ...outages, ...contract, ...slow, ...patches],
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
          name: "outages",
          include: outages,
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
          name: "contract",
          include: contract,
          exclude: lettaV1,
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
          name: "letta-v1",
          include: lettaV1,
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 1_200_000,
          sequence: { groupOrder: 6 },
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
