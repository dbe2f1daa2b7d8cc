import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type AnyStateMachine, createMachine } from "xstate";
import { renderChart } from "../../src/commands/chart/render.ts";
import { machines } from "../../src/machines/index.ts";
import { type ChartGraph, chartGraph } from "../../src/runtime/chart-graph.ts";
import { fingerprint, mismatch, picturesFolder, structuresFile, structuresSchema } from "./structure.ts";

const recorded = structuresSchema.parse(JSON.parse(readFileSync(structuresFile, "utf8")));

describe.each(Object.entries(machines))("the chart %s", (name, machine) => {
  const graph = chartGraph(machine);
  const ids = new Set(graph.states.map(({ id }) => id));

  test("is registered under its own id, with a version", () => {
    expect(machine.id).toBe(name);
    expect(machine.version).toMatch(/^[1-9]\d*$/);
  });

  test("leads only to states that exist", () => {
    const named = [
      ...graph.edges.flatMap(({ to }) => to ?? []),
      ...graph.states.flatMap(({ initial, history }) => [initial ?? [], history?.default ?? []].flat()),
    ];
    expect(named.filter((id) => !ids.has(id))).toEqual([]);
    expect(graph.edges.length).toBeGreaterThan(0);
  });

  test("has no state that cannot be reached", () => {
    const reached = reachable(graph);
    expect([...ids].filter((id) => !reached.has(id))).toEqual([]);
  });

  test("names only guards, actions, delays and actors that exist, and each of these is used", () => {
    const { guards, actions, delays, actors } = machine.implementations;
    expect(namesIn(graph)).toEqual({
      guards: Object.keys(guards).toSorted(),
      actions: Object.keys(actions).toSorted(),
      delays: Object.keys(delays).toSorted(),
      actors: Object.keys(actors).toSorted(),
    });
  });

  test("has the structure that was recorded for its version", () => {
    expect(mismatch(name, machine, recorded), "see the message").toBeUndefined();
  });

  test("is drawn in the documentation as it is (`npm run charts` draws it)", async () => {
    expect(readFileSync(join(picturesFolder, `${name}.svg`), "utf8") === (await renderChart(name, "svg"))).toBe(true);
  });
});

describe("the walk itself", () => {
  const chart = (target: string): AnyStateMachine =>
    createMachine({ id: "typo", version: "1", initial: "a", states: { a: { on: { GO: target } }, b: {} } });

  test("catches a misspelt target", () => {
    expect(() => chartGraph(chart("bee"))).toThrow("bee");
  });

  test("catches a state that nothing leads to", () => {
    const graph = chartGraph(chart("a"));
    expect(graph.states.map(({ id }) => id).filter((id) => !reachable(graph).has(id))).toEqual(["typo.b"]);
  });

  test("catches a changed structure whose version stayed, and says what to do", () => {
    const known = { typo: { "1": fingerprint(chart("b")) } };
    expect(mismatch("typo", chart("b"), known)).toBeUndefined();
    expect(mismatch("typo", chart("a"), known)).toMatch(/"typo"[\s\S]*Raise its `version` in src\/machines/);
    expect(mismatch("typo", chart("a"), {})).toContain("is not recorded yet");
  });
});

/** Ids of the states that some sequence of transitions can enter, if every guard lets it. */
function reachable({ states, edges }: ChartGraph): ReadonlySet<string> {
  const byId = new Map(states.map((state) => [state.id, state]));
  const reached = new Set<string>();
  const enter = (id: string): void => {
    const state = byId.get(id);
    if (state === undefined || reached.has(id)) return;
    reached.add(id);
    if (state.parent !== undefined) enterAncestor(state.parent);
    if (state.initial !== undefined) enter(state.initial);
    if (state.type === "parallel") for (const { id: region, parent } of states) if (parent === id) enter(region);
    for (const target of state.history?.default ?? []) enter(target);
    for (const { from, to } of edges) if (from === id && to !== undefined) enter(to);
  };
  // Entering a state enters what it is in, but not the initial state of that.
  const enterAncestor = (id: string): void => {
    const state = byId.get(id);
    if (state === undefined || reached.has(id)) return;
    if (state.type === "parallel") return enter(id);
    reached.add(id);
    if (state.parent !== undefined) enterAncestor(state.parent);
    for (const { from, to } of edges) if (from === id && to !== undefined) enter(to);
  };
  const [root] = states;
  if (root !== undefined) enter(root.id);
  return reached;
}

/** Everything that a chart names and its setup has to provide. */
function namesIn({ states, edges }: ChartGraph) {
  const words = (texts: readonly (string | undefined)[]): string[] =>
    [...new Set(texts.flatMap((text) => text?.match(/[\w.]+/g) ?? []))].toSorted();
  const combinators = new Set(["and", "or", "not", "in"]);
  const builtIn = /^(raise|send|spawn|stop|cancel|assign|enqueueActions)\b/;
  const actions = [
    ...states.flatMap(({ entry, exit }) => [...entry, ...exit]),
    ...edges.flatMap((edge) => edge.actions),
  ];
  const afters = edges.filter(({ kind, label }) => kind === "after" && !label.endsWith(" ms"));
  return {
    guards: words(edges.map(({ guard }) => guard?.replace(/\bin \S+/g, ""))).filter((word) => !combinators.has(word)),
    actions: words(actions.filter((action) => !builtIn.test(action))),
    delays: words(afters.map(({ label }) => label.replace(/^after /, ""))),
    actors: words(states.flatMap(({ invokes }) => invokes.map(({ src }) => src))),
  };
}
