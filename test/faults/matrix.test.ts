import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { transportKinds } from "../servers/transports.ts";
import { faultNames } from "./fault-names.ts";
import { cells, cellsOf, nameOf, phaseNames, phases, phasesOf, reasonAgainst } from "./matrix.ts";
import { choose, timesOf, transportBy } from "./plan.ts";
import { faultsOf, reliability, reliabilityFile, rowsOf, tableIn } from "./report.ts";

const crossed = phaseNames.flatMap((phase) => faultNames.map((fault) => ({ phase, fault })));

describe("the fault matrix", () => {
  test("knows for each phase and fault either how it happens or why it cannot", () => {
    const wrong = crossed.filter((cell) => {
      const isPossible = phases[cell.phase].faults.includes(cell.fault);
      return isPossible === (reasonAgainst(cell) !== undefined);
    });
    expect(wrong).toEqual([]);
  });

  const page = readFileSync(reliabilityFile, "utf8");
  const published = transportKinds.filter((transport) => tableIn(page, transport) !== "");

  test("is published", () => expect(published).toContain("client-server"));

  test.each(published)("has all its cells in the published table, each with its outcome: %s", (transport) => {
    const table = tableIn(page, transport)
      .split("\n")
      .filter((line) => line.startsWith("|"));
    const [head, , ...rows] = table.map((line) =>
      line
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
    expect(head).toEqual(["", ...phasesOf(transport)]);
    expect(rows.map(([fault]) => fault)).toEqual([...faultsOf(transport)]);
    const isFilled = rows.map((row) =>
      row.slice(1).map((cell) => (cell === "-" ? "-" : cell !== "" && cell !== "BROKEN")),
    );
    expect(isFilled).toEqual(
      rowsOf([], transport).map((row) => row.slice(1).map((cell) => (cell === "-" ? "-" : true))),
    );
  });
});

test.each(transportKinds)(
  "the published table says which run it is of, and keeps the other one and what is written by hand: %s",
  (transport) => {
    const page = readFileSync(reliabilityFile, "utf8");
    const all = cellsOf(transport);
    const results = all.map((cell) => ({
      cell,
      userId: undefined,
      hits: [],
      problems: [],
      outcome: "answer" as const,
      tookMs: 1,
    }));
    const written = reliability(results, page, {
      at: new Date("2026-11-27T01:33:00Z"),
      seed: 518_561,
      transport,
      homeserver: "real",
    });
    expect(tableIn(written, transport)).toContain(
      `All ${all.length} outcomes are of one run, which ended on 2026-11-27: \`--all --transport ${transport} --homeserver real --seed 518561\`.`,
    );
    for (const other of transportKinds.filter((kind) => kind !== transport))
      expect(tableIn(written, other)).toBe(tableIn(page, other));
    const byHand = page.indexOf("<!-- By hand");
    expect(written.endsWith(page.slice(byHand))).toBe(true);
  },
);

describe.each(transportKinds)("a choice of cells, by %s", (transport) => {
  test.each([1, 2, 3, 99, 12_345])("by seed %i has each fault and each phase in it", (seed) => {
    const chosen = choose(seed, 1, transport);
    expect(new Set(chosen.map(({ fault }) => fault))).toEqual(new Set(faultsOf(transport)));
    expect(new Set(chosen.map(({ phase }) => phase))).toEqual(new Set(phasesOf(transport)));
  });

  test("is the same for the same seed and another for another, and comes round to every cell", () => {
    expect(choose(7, 60, transport)).toEqual(choose(7, 60, transport));
    expect(choose(7, 60, transport)).toHaveLength(60);
    const seeds = Array.from({ length: 40 }, (_, seed) => seed + 1);
    expect(new Set(seeds.flatMap((seed) => choose(seed, 60, transport)).map(nameOf)).size).toBe(
      cellsOf(transport).length,
    );
  });

  test("lets a fault happen as often in a replayed cell as in the run it was found in", () => {
    for (const cell of choose(7, 60, transport)) expect(timesOf({ ...cell }, 7)).toBe(timesOf(cell, 7));
  });
});

test("the transports take turns, and each cell belongs to one or to both", () => {
  expect(new Set([1, 2].map(transportBy))).toEqual(new Set(transportKinds));
  expect(new Set(transportKinds.flatMap(cellsOf))).toEqual(new Set(cells));
  expect(new Set(cells.map((cell) => timesOf(cell, 7)))).toEqual(new Set([1, 2, 3]));
});
