import { describe, expect, test } from "vitest";
import { createMachine } from "xstate";
import type { Box, Drawing } from "../../../src/commands/chart/drawing.ts";
import { layOut } from "../../../src/commands/chart/layout.ts";
import { toMermaid } from "../../../src/commands/chart/mermaid.ts";
import { chartFormats, chartNames, renderChart, UnknownChart } from "../../../src/commands/chart/render.ts";
import { toSvg } from "../../../src/commands/chart/svg.ts";
import { machines } from "../../../src/machines/index.ts";
import { chartGraph } from "../../../src/runtime/chart-graph.ts";

const kettle = createMachine({
  id: "kettle",
  version: "2",
  type: "parallel",
  on: { "<UNPLUG>": { actions: "stop" } },
  states: {
    heat: {
      initial: "cold",
      states: {
        cold: { on: { SWITCH: { guard: "hasWater", target: "heating" } } },
        heating: {
          initial: "slow",
          invoke: { id: "boil", src: "boil", onDone: "hot", onError: "cold" },
          states: { slow: { after: { 500: "fast" } }, fast: {}, last: { type: "history" } },
        },
        hot: { type: "final" },
        stuck: { always: "heating.last" },
      },
    },
    lid: { initial: "open", states: { open: { on: { PRESS: "shut" } }, shut: { entry: "click" } } },
  },
});

const boxOf = ({ boxes }: Drawing, id: string): Box => {
  const found = boxes.find((box) => box.id === id);
  if (found === undefined) throw new Error(`no box for ${id}`);
  return found;
};

const isInside = (inner: Box, outer: Box): boolean =>
  inner.x >= outer.x &&
  inner.y >= outer.y &&
  inner.x + inner.width <= outer.x + outer.width &&
  inner.y + inner.height <= outer.y + outer.height;

const overlap = (a: Box, b: Box): boolean =>
  a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;

describe.each([["kettle", kettle] as const, ...Object.entries(machines)])("the layout of %s", (_, machine) => {
  test("gives each state a place within its parent and beside its siblings", async () => {
    const graph = chartGraph(machine);
    const drawing = await layOut(graph);
    expect(drawing.boxes.map(({ id }) => id).toSorted()).toEqual(graph.states.map(({ id }) => id).toSorted());
    for (const { id, parent } of graph.states) {
      if (parent === undefined) continue;
      expect(isInside(boxOf(drawing, id), boxOf(drawing, parent)), `${id} in ${parent}`).toBe(true);
      for (const sibling of graph.states)
        if (sibling.parent === parent && sibling.id < id)
          expect(overlap(boxOf(drawing, id), boxOf(drawing, sibling.id)), `${id}, ${sibling.id}`).toBe(false);
    }
  });

  test("draws each transition from its state to its target", async () => {
    const graph = chartGraph(machine);
    const drawing = await layOut(graph);
    const drawn = drawing.lines.filter(({ kind }) => kind !== "initial");
    expect(drawn.map(({ from, to }) => `${from} ${to}`).toSorted()).toEqual(
      graph.edges.flatMap(({ from, to }) => (to === undefined ? [] : [`${from} ${to}`])).toSorted(),
    );
    for (const { from, to, points } of drawn) {
      const [start, end] = [points.at(0), points.at(-1)];
      for (const [point, id] of [
        [start, from],
        [end, to],
      ] as const) {
        const { x, y, width, height } = boxOf(drawing, id);
        const isAt = (value = Number.NaN, low = 0, size = 0): boolean => value >= low - 1 && value <= low + size + 1;
        expect(isAt(point?.x, x, width) && isAt(point?.y, y, height), `${from} to ${to} at ${id}`).toBe(true);
      }
    }
  });
});

describe("an SVG", () => {
  test("stands by itself, and is not broken by what a chart is called", async () => {
    const svg = toSvg(await layOut(chartGraph(kettle)));
    expect(svg).toMatch(/^<svg xmlns="http:\/\/www.w3.org\/2000\/svg"/);
    expect(svg).toContain("&lt;UNPLUG&gt; / stop");
    expect(svg).toContain("prefers-color-scheme: dark");
    expect(svg).not.toMatch(/href|url\((?!#)|<script|<image/);
    for (const tag of ["svg", "g", "text", "defs", "style"])
      expect(svg.match(new RegExp(`<${tag}[ >]`, "g"))?.length, tag).toBe(
        svg.match(new RegExp(`</${tag}>`, "g"))?.length,
      );
  });

  test("is the same each time", async () => {
    expect(toSvg(await layOut(chartGraph(kettle)))).toBe(toSvg(await layOut(chartGraph(kettle))));
  });
});

test("a Mermaid diagram has composite states, regions, notes and both kinds of ends", () => {
  expect(toMermaid(chartGraph(kettle))).toBe(`---
title: kettle, version 2
---
stateDiagram-v2
  state "kettle" as kettle {
    state "heat" as kettle_heat {
      [*] --> kettle_heat_cold
      kettle_heat_cold --> kettle_heat_heating: SWITCH [hasWater]
      kettle_heat_heating --> kettle_heat_hot: done boil
      kettle_heat_heating --> kettle_heat_cold: error boil
      kettle_heat_stuck --> kettle_heat_heating_last
      state "cold" as kettle_heat_cold
      state "heating" as kettle_heat_heating {
        [*] --> kettle_heat_heating_slow
        kettle_heat_heating_slow --> kettle_heat_heating_fast: after 500 ms
        state "slow" as kettle_heat_heating_slow
        state "fast" as kettle_heat_heating_fast
        state "H" as kettle_heat_heating_last
      }
      note right of kettle_heat_heating
        invoke boil
      end note
      state "hot" as kettle_heat_hot
      kettle_heat_hot --> [*]
      state "stuck" as kettle_heat_stuck
    }
    --
    state "lid" as kettle_lid {
      [*] --> kettle_lid_open
      kettle_lid_open --> kettle_lid_shut: PRESS
      state "open" as kettle_lid_open
      state "shut" as kettle_lid_shut
      note right of kettle_lid_shut
        entry / click
      end note
    }
  }
  note right of kettle
    <UNPLUG> / stop
  end note
`);
});

describe("each chart of this version", () => {
  test.each(chartNames.flatMap((name) => chartFormats.map((format) => [name, format] as const)))(
    "%s can be drawn as %s",
    async (name, format) => {
      const drawing = await renderChart(name, format);
      expect(drawing).toContain(name);
      expect(drawing.endsWith("\n")).toBe(true);
    },
  );

  test("an unknown one is refused with the names of those there are", async () => {
    await expect(renderChart("kettle", "svg")).rejects.toThrow(UnknownChart);
    await expect(renderChart("kettle", "svg")).rejects.toMatchObject({ remedy: expect.stringContaining("agent") });
  });
});
