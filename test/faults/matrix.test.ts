import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { faultNames } from "./fault-names.ts";
import { cells, nameOf, phaseNames, phases, reasonAgainst } from "./matrix.ts";
import { choose, timesOf } from "./plan.ts";
import { reliability, reliabilityFile, rowsOf } from "./report.ts";

const crossed = phaseNames.flatMap((phase) => faultNames.map((fault) => ({ phase, fault })));

describe("the fault matrix", () => {
  test("knows for each phase and fault either how it happens or why it cannot", () => {
    const wrong = crossed.filter((cell) => {
      const isPossible = phases[cell.phase].faults.includes(cell.fault);
      return isPossible === (reasonAgainst(cell) !== undefined);
    });
    expect(wrong).toEqual([]);
  });

  test("has all its cells in the published table, each with its outcome", () => {
    const page = readFileSync(reliabilityFile, "utf8");
    const ofTheRun = page.slice(0, page.indexOf("<!-- By hand"));
    const table = ofTheRun.split("\n").filter((line) => line.startsWith("|"));
    const [head, , ...rows] = table.map((line) =>
      line
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
    expect(head).toEqual(["", ...phaseNames]);
    expect(rows.map(([fault]) => fault)).toEqual([...faultNames]);
    const isFilled = rows.map((row) =>
      row.slice(1).map((cell) => (cell === "-" ? "-" : cell !== "" && cell !== "BROKEN")),
    );
    expect(isFilled).toEqual(rowsOf([]).map((row) => row.slice(1).map((cell) => (cell === "-" ? "-" : true))));
  });
});

test("the published table says which run it is of, and keeps what is written by hand", () => {
  const page = readFileSync(reliabilityFile, "utf8");
  const results = cells.map((cell) => ({
    cell,
    userId: undefined,
    hits: [],
    problems: [],
    outcome: "answer" as const,
    tookMs: 1,
  }));
  const written = reliability(results, page, { at: new Date("2026-11-27T01:33:00Z"), seed: 518_561 });
  expect(written).toContain(
    `All ${cells.length} outcomes are of one run, which ended on 2026-11-27: \`--all --seed 518561\`.`,
  );
  const byHand = page.indexOf("<!-- By hand");
  expect(written.endsWith(page.slice(byHand))).toBe(true);
});

describe("a choice of cells", () => {
  test.each([1, 2, 3, 99, 12_345])("by seed %i has each fault and each phase in it", (seed) => {
    const chosen = choose(seed, 1);
    expect(new Set(chosen.map(({ fault }) => fault))).toEqual(new Set(faultNames));
    expect(new Set(chosen.map(({ phase }) => phase))).toEqual(new Set(phaseNames));
  });

  test("is the same for the same seed and another for another, and comes round to every cell", () => {
    expect(choose(7, 60)).toEqual(choose(7, 60));
    expect(choose(7, 60)).toHaveLength(60);
    const seeds = Array.from({ length: 40 }, (_, seed) => seed + 1);
    expect(new Set(seeds.flatMap((seed) => choose(seed, 60)).map(nameOf)).size).toBe(cells.length);
  });

  test("lets a fault happen as often in a replayed cell as in the run it was found in", () => {
    for (const cell of choose(7, 60)) expect(timesOf({ ...cell }, 7)).toBe(timesOf(cell, 7));
    expect(new Set(cells.map((cell) => timesOf(cell, 7)))).toEqual(new Set([1, 2, 3]));
  });
});
