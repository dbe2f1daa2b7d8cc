import { defineConfig } from "vitest/config";

/** On a real Synapse and a real Letta: the whole product, as people use it and under a few kills. */
const real = [
  "test/servers/{synapse,letta,stack}*.test.ts",
  "test/e2e/e2e.real.test.ts",
  "test/crash/quick.real.test.ts",
];
/** The same, with more of it: crowds, long answers, rooms that are changed, and what people rarely do. */
const rooms = ["test/e2e/{crowds,rooms}.real.test.ts"];
/** The same, where waiting is most of it: servers that go away and come back. */
const outages = ["test/e2e/{outages,restarts}.real.test.ts"];
/** The program as an application service of a real Synapse, killed too. */
const appservice = ["test/e2e/appservice*.real.test.ts"];
/** Programs and models that ask the running program, and have agents say something. */
const programs = ["test/e2e/{api,programs.real,secrets}.test.ts"];
/** What the protocol's own suite asks of MCP servers. */
const conformance = ["test/conformance/*.test.ts"];
/** Healthy agents beside bad ones, which take minutes to be given up. */
const neighbours = ["test/neighbours/*.test.ts"];
/** How agents come, go, are adopted, put right and restored, as people in Matrix see it. */
const homes = [
  "test/e2e/{administered,adopt,getting-started,life,past,rest}.real.test.ts",
  "test/e2e/restored.test.ts",
];
/** Agents made and retired under kill -9 at each request: minutes. */
const life = ["test/life/**/*.real.test.ts"];
/** Laws that are tried by thousands of moves, or on what has grown old: they need no server, but minutes. */
const laws = [
  "test/{ages,servers}/{million,install}.test.ts",
  "test/machines/no-dead-end{,-conversation}.test.ts",
  "test/runtime/{full-disk,kill,mutants}.test.ts",
];
/** What the ports promise, on stand-ins: each in all its profiles. */
const standIns = [
  "test/letta/{app-server,rest}/contract.test.ts",
  "test/matrix/profiles.test.ts",
  "test/matrix/appservice/{dendrite,oddities,synapse,tuwunel}.test.ts",
];
/** What the ports promise, and the demo, with the real servers. */
const contract = ["test/contract/*/{app-server,models,synapse}.test.ts", "test/demo/**/*.real.test.ts"];
/** The same contract on Letta's V1 server, which takes minutes to install. */
const lettaV1 = ["test/contract/letta/letta-v1.real.test.ts"];
/** Tests that are too slow for every day. */
const slow = ["test/packaging/**/*.test.ts"];
/** How long things take under a homeserver's default rate limits: minutes, or most of an hour. */
const limits = ["test/limits/**/*.test.ts"];
/** Builds of the product with one law broken on purpose: each must be caught by the law it breaks. */
const patches = ["test/{crash,e2e,faults}/*patches.slow.test.ts"];

interface Shared {
  readonly exclude?: readonly string[];
  readonly testTimeout?: number;
}

/** Nothing is global here, so that files can share a process and what it has loaded: a third of the time. */
function shared(name: string, include: readonly string[], { exclude = [], testTimeout = 60_000 }: Shared = {}) {
  return {
    extends: true as const,
    test: {
      name,
      include: [...include],
      exclude: [...exclude],
      isolate: false,
      testTimeout,
      hookTimeout: 60_000,
      sequence: { groupOrder: 0 },
    },
  };
}

/** Tests that start real servers run one file after the other. */
function onServers(name: string, include: readonly string[], groupOrder: number, testTimeout = 120_000) {
  return onServersOfTheirOwn(name, include, groupOrder, { testTimeout, fileParallelism: false });
}

/** The same where waiting is most of it: two files at a time. */
function onServersOfTheirOwn(
  name: string,
  include: readonly string[],
  groupOrder: number,
  { testTimeout = 120_000, fileParallelism = true } = {},
) {
  return {
    extends: true as const,
    test: {
      name,
      include: [...include],
      globalSetup: "./test/real-setup.ts",
      fileParallelism,
      // Half as many at once as where nothing but time is needed: two cores have three servers to run beside them.
      maxConcurrency: 10,
      testTimeout,
      hookTimeout: 120_000,
      sequence: { groupOrder },
    },
  };
}

export default defineConfig({
  test: {
    // One fewer than the cores, as by default, is one only on two.
    maxWorkers: "100%",
    // Tests that run side by side in one file mostly wait for a server.
    maxConcurrency: 20,
    reporters: ["default", "./test/reporter.ts"],
    // What is waited for is there at once, but for a machine that has other things to do.
    expect: { poll: { timeout: 10_000 } },
    // A failure that is seen once only must say all that it knows.
    chaiConfig: { truncateThreshold: 0 },
    projects: [
      shared("unit", ["test/**/*.test.ts"], {
        exclude: [
          ...real,
          ...rooms,
          ...outages,
          ...appservice,
          ...programs,
          ...neighbours,
          ...conformance,
          ...homes,
          ...life,
          ...laws,
          ...standIns,
          ...contract,
          ...lettaV1,
          ...slow,
          ...limits,
          ...patches,
        ],
      }),
      // These go through all that can happen: half a minute of nothing else.
      shared("laws", laws, { testTimeout: 180_000 }),
      shared("stand-ins", standIns),
      onServers("real", real, 1),
      onServers("rooms", rooms, 1),
      onServersOfTheirOwn("contract", contract, 13),
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
      onServers("patches", patches, 4, 240_000),
      onServersOfTheirOwn("outages", outages, 11),
      onServers("appservice", appservice, 5),
      onServers("programs", programs, 5),
      {
        extends: true,
        test: { name: "conformance", include: conformance, testTimeout: 240_000, sequence: { groupOrder: 10 } },
      },
      onServers("neighbours", neighbours, 5),
      onServersOfTheirOwn("homes", homes, 12),
      onServers("life", life, 7, 600_000),
      onServers("limits", limits, 8),
      {
        extends: true,
        test: {
          name: "letta-v1",
          include: lettaV1,
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 1_200_000,
          sequence: { groupOrder: 9 },
        },
      },
    ],
  },
});
