import { describe, expect, test } from "vitest";
import { and, assign, createMachine, fromPromise, not, or, raise, sendTo, setup, stateIn } from "xstate";
import { type ChartEdge, chartGraph, UnresolvedState } from "../../src/runtime/chart-graph.ts";

const door = setup({
  types: { context: {} as { tries: number } },
  actors: { knock: fromPromise(async () => "who") },
  actions: { creak: () => undefined, count: assign({ tries: ({ context }) => context.tries + 1 }) },
  guards: { isOiled: () => true, isLocked: () => false, isLate: () => false },
  delays: { patience: 1_000 },
}).createMachine({
  id: "door",
  version: "3",
  context: { tries: 0 },
  initial: "closed",
  tags: ["house"],
  on: { SLAM: { actions: "creak" } },
  states: {
    closed: {
      tags: "shut",
      entry: "creak",
      exit: ["count", raise({ type: "DRAUGHT" })],
      invoke: { id: "visitor", src: "knock", onDone: "open", onError: { target: "closed", reenter: true } },
      after: { patience: { guard: not("isLate"), target: "open.ajar" }, 500: "jammed" },
    },
    open: {
      initial: "wide",
      onDone: { target: "closed", actions: "creak" },
      states: {
        wide: { always: { guard: and(["isOiled", or(["isLocked", stateIn({ open: "ajar" })])]), target: "ajar" } },
        ajar: { on: { PUSH: "shut", CALL: { actions: sendTo("visitor", { type: "COME" }) } } },
        shut: { type: "final" },
        last: { type: "history", history: "deep", target: "ajar" },
      },
    },
    jammed: { on: { FREE: "open.last" } },
  },
});

const graph = chartGraph(door);
const state = (id: string) => graph.states.find((one) => one.id === id);
const edgesFrom = (from: string): readonly ChartEdge[] => graph.edges.filter((edge) => edge.from === from);

describe("a chart's graph", () => {
  test("is plain JSON with the chart's name and version", () => {
    expect(graph).toMatchObject({ id: "door", version: "3" });
    expect(JSON.parse(JSON.stringify(graph))).toEqual(graph);
  });

  test("has each state with its parent, kind, beginning and tags", () => {
    expect(graph.states.map(({ id, parent, type }) => [id, parent, type])).toEqual([
      ["door", undefined, "compound"],
      ["door.closed", "door", "atomic"],
      ["door.open", "door", "compound"],
      ["door.open.wide", "door.open", "atomic"],
      ["door.open.ajar", "door.open", "atomic"],
      ["door.open.shut", "door.open", "final"],
      ["door.open.last", "door.open", "history"],
      ["door.jammed", "door", "atomic"],
    ]);
    expect(state("door")).toMatchObject({ initial: "door.closed", tags: ["house"] });
    expect(state("door.closed")).toMatchObject({ key: "closed", tags: ["shut"] });
    expect(state("door.open.last")?.history).toEqual({ depth: "deep", default: ["door.open.ajar"] });
  });

  test("has entry, exit and invokes, without the timers that XState adds for itself", () => {
    expect(state("door.closed")).toMatchObject({
      entry: ["creak"],
      exit: ["count", "raise DRAUGHT"],
      invokes: [{ id: "visitor", src: "knock" }],
    });
  });

  test("has every kind of transition, with guards and actions", () => {
    expect(edgesFrom("door")).toEqual([{ from: "door", kind: "event", label: "SLAM", actions: ["creak"] }]);
    expect(edgesFrom("door.closed")).toEqual([
      { from: "door.closed", to: "door.open", kind: "done", label: "done visitor", actions: [] },
      { from: "door.closed", to: "door.closed", kind: "error", label: "error visitor", actions: [], reenter: true },
      { from: "door.closed", to: "door.jammed", kind: "after", label: "after 500 ms", actions: [] },
      {
        from: "door.closed",
        to: "door.open.ajar",
        kind: "after",
        label: "after patience",
        guard: "not isLate",
        actions: [],
      },
    ]);
    expect(edgesFrom("door.open")).toEqual([
      { from: "door.open", to: "door.closed", kind: "complete", label: "done", actions: ["creak"] },
    ]);
    expect(edgesFrom("door.open.wide")).toEqual([
      {
        from: "door.open.wide",
        to: "door.open.ajar",
        kind: "always",
        label: "",
        guard: "isOiled and (isLocked or in open.ajar)",
        actions: [],
      },
    ]);
    expect(edgesFrom("door.open.ajar")).toContainEqual({
      from: "door.open.ajar",
      kind: "event",
      label: "CALL",
      actions: ["send COME to visitor"],
    });
  });

  test("has an edge for each of several targets", () => {
    const machine = createMachine({
      id: "pair",
      type: "parallel",
      on: { RESET: [{ target: [".a.one", ".b.two"] }] },
      states: {
        a: { initial: "one", states: { one: {} } },
        b: { initial: "two", states: { two: {} } },
      },
    });
    expect(chartGraph(machine).edges.map(({ to }) => to)).toEqual(["pair.a.one", "pair.b.two"]);
  });
});

describe("a name that leads nowhere is found", () => {
  test.each([
    ["a target", { initial: "a", states: { a: { on: { GO: "bee" } }, b: {} } }, "bee"],
    ["an always target", { initial: "a", states: { a: { always: "bee" }, b: {} } }, "bee"],
    ["a target by id", { initial: "a", states: { a: { after: { 5: "#nowhere" } } } }, "nowhere"],
    ["an initial state", { initial: "aye", states: { a: {} } }, "aye"],
    ["no initial state", { states: { a: {} } }, /no initial state/i],
    ["a history default", { initial: "a", states: { a: {}, h: { type: "history" as const, target: "aye" } } }, "aye"],
  ])("%s", (_, config, message) => {
    expect(() => chartGraph(createMachine({ id: "typo", ...config }))).toThrow(message);
  });

  test("with the state it stands in, also where XState would not look before it gets there", () => {
    const read = () =>
      chartGraph(createMachine({ id: "typo", initial: "a", states: { a: { initial: "bee", states: { b: {} } } } }));
    expect(read).toThrow(UnresolvedState);
    expect(read).toThrow("typo.a");
  });
});
