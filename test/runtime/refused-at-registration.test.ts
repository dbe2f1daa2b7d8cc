import { describe, expect, it } from "vitest";
import { and, assign, cancel, emit, log, not, or, raise, sendParent, sendTo, spawnChild, stateIn } from "xstate";
import { type Behaviour, defineBehaviour } from "../../src/runtime/behaviour.ts";
import { UnsupportedChart } from "../../src/runtime/unsupported.ts";
import { behaviourOf, placeholder, tinyChart } from "./tiny-chart.ts";

interface Refusal {
  readonly feature: string;
  readonly config: object;
  readonly implementations?: object;
  readonly overrides?: Parameters<typeof behaviourOf>[1];
  readonly where?: string;
  readonly says: string;
}

const actors = { work: placeholder };
const invoke = { src: "work", id: "work", onError: {} };
const entry = (action: unknown): object => ({ initial: "a", states: { a: { entry: action } } });

const refusals: readonly Refusal[] = [
  {
    feature: "an endless maxIterations",
    config: { options: {} },
    where: "root",
    says: "options.maxIterations must be finite",
  },
  {
    feature: "a context shared by all actors",
    config: { context: {} },
    where: "root",
    says: "context must be a function",
  },
  {
    feature: "an inline invoke",
    config: { initial: "a", states: { a: { invoke: { ...invoke, src: placeholder } } } },
    says: "invoke src must be a name",
  },
  {
    feature: "an invoke of an unknown actor",
    config: { initial: "a", states: { a: { invoke: { ...invoke, src: "typo" } } } },
    says: 'invoke src "typo" is not in setup({ actors })',
  },
  {
    feature: "an invoke without id",
    config: { initial: "a", states: { a: { invoke: { src: "work", onError: {} } } } },
    says: 'invoke "work" needs an id',
  },
  {
    feature: "an invoke without onError",
    config: { initial: "a", states: { a: { invoke: { src: "work", id: "work" } } } },
    says: 'invoke "work" needs onError',
  },
  {
    feature: "onSnapshot",
    config: { initial: "a", states: { a: { invoke: { ...invoke, onSnapshot: {} } } } },
    says: 'invoke "work": onSnapshot',
  },
  {
    feature: "systemId of an invoke",
    config: { initial: "a", states: { a: { invoke: { ...invoke, systemId: "one" } } } },
    says: 'invoke "work": systemId',
  },
  { feature: "an inline entry action", config: entry(() => undefined), says: "an inline action" },
  {
    feature: "an inline exit action",
    config: { initial: "a", states: { a: { exit: () => undefined } } },
    says: "an inline action",
  },
  {
    feature: "an inline transition action",
    config: { initial: "a", states: { a: { on: { GO: { actions: () => undefined } } } } },
    says: "an inline action",
  },
  {
    feature: "an inline action of an initial transition",
    config: { initial: { target: "a", actions: () => undefined }, states: { a: {} } },
    where: 'state "tiny"',
    says: "an inline action",
  },
  { feature: "an unknown action", config: entry("typo"), says: 'action "typo" is not in setup({ actions })' },
  { feature: "an unknown action with params", config: entry({ type: "typo", params: {} }), says: 'action "typo"' },
  {
    feature: "an unknown guard",
    config: { initial: "a", states: { a: { on: { GO: { guard: "typo" } } } } },
    says: 'guard "typo" is not in setup({ guards })',
  },
  ...[and, or].map((both) => ({
    feature: `an unknown guard inside ${both.name}`,
    config: { initial: "a", states: { a: { always: { guard: both([() => true, not("typo")]), target: "b" } }, b: {} } },
    says: 'guard "typo" is not in setup({ guards })',
  })),
  {
    feature: "an unknown guard inside a named one",
    config: { initial: "a", states: { a: { on: { GO: { guard: "both" } } } } },
    implementations: { guards: { both: and([() => true, "typo"]) } },
    where: 'setup({ guards: "both" })',
    says: 'guard "typo" is not in setup({ guards })',
  },
  {
    feature: "an unknown named delay of after",
    config: { initial: "a", states: { a: { after: { typo: "b" } }, b: {} } },
    says: 'delay "typo" is not in setup({ delays })',
  },
  {
    feature: "stateIn of an unknown state",
    config: { initial: "a", states: { a: { always: { guard: not(stateIn("#typo")), target: "b" } }, b: {} } },
    says: 'stateIn("#typo") names no state',
  },
  {
    feature: "an infinite delay of after",
    config: { initial: "a", states: { a: { after: { Infinity: "b" } }, b: {} } },
    says: "delay Infinity",
  },
  {
    feature: "an unknown named delay of raise",
    config: entry(raise({ type: "E" }, { id: "e", delay: "typo" as never })),
    says: 'delay "typo"',
  },
  {
    feature: "a delayed raise without id",
    config: entry(raise({ type: "E" }, { delay: 5 })),
    says: "a delayed raise needs an id",
  },
  {
    feature: "a delayed sendTo without id",
    config: entry(sendTo("work", { type: "E" }, { delay: 5 })),
    says: "a delayed sendTo needs an id",
  },
  {
    feature: "spawnChild without id",
    config: entry(spawnChild("work" as never)),
    says: 'spawnChild "work" needs an id',
  },
  {
    feature: "spawnChild of inline logic",
    config: entry(spawnChild(placeholder, { id: "one" } as never)),
    says: "spawnChild src must be a name",
  },
  {
    feature: "spawnChild of an unknown actor",
    config: entry(spawnChild("typo" as never, { id: "one" } as never)),
    says: 'spawnChild src "typo"',
  },
  {
    feature: "spawnChild with a systemId",
    config: entry(spawnChild("work" as never, { id: "one", systemId: "one" } as never)),
    says: "systemId",
  },
  {
    feature: "spawnChild with syncSnapshot",
    config: entry(spawnChild("work" as never, { id: "one", syncSnapshot: true } as never)),
    says: "syncSnapshot",
  },
  { feature: "sendParent", config: entry(sendParent({ type: "E" })), says: "sendParent" },
  { feature: "emit", config: entry(emit({ type: "E" })), says: "emit" },
  { feature: "log", config: entry(log("hello")), says: "log" },
  {
    feature: "a built-in that is not supported behind a name",
    config: entry("shout"),
    implementations: { actions: { shout: emit({ type: "E" }) } },
    where: 'setup({ actions: "shout" })',
    says: "emit",
  },
  {
    feature: "a wildcard",
    config: { initial: "a", states: { a: { on: { "*": "b" } }, b: {} } },
    says: '"*" would also take results, errors and timers',
  },
  {
    feature: "a wildcard over the results of effects",
    config: { initial: "a", states: { a: { on: { "xstate.done.*": "b" } }, b: {} } },
    says: '"xstate.done.*" would also take',
  },
  {
    feature: "an initial state that does not exist",
    config: { initial: "a", states: { a: { initial: "typo", states: { b: {} } } } },
    says: '"typo" not found',
  },
  {
    feature: "a default target of a history state that does not exist",
    config: {
      initial: "a",
      states: { a: { initial: "b", states: { b: {}, h: { type: "history", target: "typo" } } } },
    },
    where: 'state "tiny.a.h"',
    says: 'the default target "typo" does not exist',
  },
  {
    feature: "an actor without an effect",
    config: entry([]),
    overrides: { children: {} },
    where: "root",
    says: 'actor "work" has no effect',
  },
  {
    feature: "an action without an effect",
    config: entry("act"),
    implementations: { actions: { act: () => undefined } },
    overrides: { actions: {} },
    where: 'setup({ actions: "act" })',
    says: 'action "act" has no effect',
  },
];

function define({ config, implementations, overrides }: Refusal): Behaviour {
  return behaviourOf(tinyChart(config, { actors, ...implementations }), overrides);
}

describe("a chart is refused at registration for", () => {
  it.each(refusals)("$feature", (refusal) => {
    expect(() => define(refusal)).toThrow(UnsupportedChart);
    expect(() => define(refusal)).toThrow(
      expect.objectContaining({
        machine: "tiny",
        where: refusal.where ?? 'state "tiny.a"',
        message: expect.stringContaining(refusal.says),
      }),
    );
  });

  it("a version that is not a positive whole number", () => {
    for (const version of [undefined, "", "0", "-1", "1.5", "one"])
      expect(() => behaviourOf(tinyChart({ version }))).toThrow("version must be a positive whole number");
  });

  it("a backoff delay that it does not name", () => {
    expect(() => behaviourOf(tinyChart({}), { backoffDelays: ["typo"] })).toThrow('backoff delay "typo"');
  });

  it("a target that does not exist, by XState itself", () => {
    expect(() => tinyChart({ initial: "a", states: { a: { on: { GO: "typo" } } } })).toThrow("typo");
  });
});

describe("a chart is accepted with", () => {
  const accepted: Readonly<Record<string, object>> = {
    "hierarchy, final states and output": {
      initial: "a",
      states: {
        a: { initial: "b", states: { b: { on: { GO: "c" } }, c: { type: "final" } }, onDone: "d" },
        d: { type: "final" },
      },
      output: () => ({ answer: 42 }),
    },
    "parallel regions": { type: "parallel", states: { a: {}, b: { initial: "c", states: { c: {} } } } },
    "history states, shallow and deep, with a default": {
      initial: "a",
      states: {
        a: {
          initial: "b",
          states: {
            b: {},
            c: {},
            shallow: { type: "history" },
            deep: { type: "history", history: "deep", target: "c" },
          },
        },
      },
    },
    "named actions, with and without params, and assign": {
      initial: "a",
      states: { a: { entry: ["act", { type: "act", params: { n: 1 } }, assign({ n: 1 })], exit: "act" } },
    },
    "guards, named, inline and combined": {
      initial: "a",
      states: {
        a: {
          always: [
            { guard: and(["yes", not("yes")]), target: "b" },
            { guard: () => false, target: "b" },
          ],
        },
        b: {},
      },
    },
    "after, with numbers and names": { initial: "a", states: { a: { after: { 10: "b", soon: "b" } }, b: {} } },
    "raise, delayed raise and cancel": {
      initial: "a",
      states: {
        a: {
          entry: [raise({ type: "E" }), raise({ type: "E" }, { id: "e", delay: "soon" as never })],
          exit: cancel("e"),
        },
      },
    },
    "invoke, spawnChild and sendTo": {
      initial: "a",
      states: {
        a: {
          invoke,
          entry: [
            spawnChild("work" as never, { id: "one" } as never),
            sendTo("one", { type: "E" }, { id: "e", delay: 5 }),
          ],
        },
      },
    },
    "events of one family": { initial: "a", states: { a: { on: { "room.*": { reenter: true, target: "a" } } } } },
  };

  it.each(Object.entries(accepted))("%s", (_, config) => {
    const implementations = {
      actors,
      actions: { act: () => undefined },
      guards: { yes: () => true },
      delays: { soon: 10 },
    };
    expect(behaviourOf(tinyChart(config, implementations)).name).toBe("tiny");
  });

  it("the actions that the runtime carries out itself", () => {
    const machine = tinyChart(entry(["tell", "reply"]), { actions: { tell: () => undefined, reply: () => undefined } });
    expect(defineBehaviour({ machine, children: {}, input: () => undefined }).name).toBe("tiny");
  });
});
