import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SendBudget, SendBudgets } from "../../../src/actors/conversation/draft-budget.ts";
import { SimulatedClock } from "../../runtime/simulated-clock.ts";

const options = { ratePerSecond: 0.2, burst: 10 };

function draftsOf(budget: SendBudget): number {
  let drafts = 0;
  while (budget.tryDraft()) drafts++;
  return drafts;
}

describe("a send budget", () => {
  test("lets a burst of drafts through and keeps two sends for finals", () => {
    const clock = new SimulatedClock();
    const budget = new SendBudget(options, clock);
    expect(draftsOf(budget)).toBe(8);
    clock.advance(5_000);
    expect(draftsOf(budget)).toBe(1);
    clock.advance(1_000_000);
    expect(draftsOf(budget)).toBe(8);
  });

  test("fills up again at the same pace when somebody sets the clock back", () => {
    const clock = new SimulatedClock();
    const budget = new SendBudget(options, clock);
    draftsOf(budget);
    clock.set(-86_400_000);
    clock.advance(5_000);
    expect(draftsOf(budget)).toBe(1);
  });

  test("counts finals, which never wait", () => {
    const budget = new SendBudget(options, new SimulatedClock());
    for (let n = 0; n < 5; n++) budget.spend();
    expect(draftsOf(budget)).toBe(3);
    for (let n = 0; n < 50; n++) budget.spend();
    expect(budget.tryDraft()).toBe(false);
  });

  test("lets nothing through while the homeserver wants a pause", () => {
    const clock = new SimulatedClock();
    const budget = new SendBudget(options, clock);
    budget.pause(60_000);
    clock.advance(60_000);
    expect(budget.tryDraft()).toBe(false);
    clock.advance(15_000);
    expect(budget.tryDraft()).toBe(true);
  });

  test("lets a draft through now and then however small the burst is", () => {
    for (const burst of [1, 2, 3]) {
      const clock = new SimulatedClock();
      const budget = new SendBudget({ ratePerSecond: 1, burst }, clock);
      expect(draftsOf(budget)).toBe(1);
      clock.advance(10_000);
      expect(draftsOf(budget)).toBe(1);
    }
  });

  test("never lets more through than the homeserver takes", () => {
    const steps = fc.array(fc.tuple(fc.constantFrom("draft", "final"), fc.integer({ min: 0, max: 4_000 })));
    fc.assert(
      fc.property(steps, fc.integer({ min: 1, max: 20 }), (happenings, burst) => {
        const clock = new SimulatedClock();
        const budget = new SendBudget({ ratePerSecond: 0.5, burst }, clock);
        // The homeserver's own count, as Synapse keeps it.
        let taken = 0;
        let at = clock.now();
        for (const [what, pause] of happenings) {
          clock.advance(pause);
          taken = Math.max(0, taken - ((clock.now() - at) / 1_000) * 0.5);
          at = clock.now();
          if (what === "final") budget.spend();
          if (what === "final") taken = Math.min(burst, taken + 1);
          else if (budget.tryDraft()) {
            taken += 1;
            expect(taken).toBeLessThanOrEqual(burst + 1e-6);
          }
        }
      }),
    );
  });
});

describe("the budgets of all agents", () => {
  test("are one for each agent", () => {
    const budgets = new SendBudgets(options, new SimulatedClock());
    expect(draftsOf(budgets.of("@a:test"))).toBe(8);
    expect(budgets.of("@a:test").tryDraft()).toBe(false);
    expect(budgets.of("@b:test").tryDraft()).toBe(true);
  });

  test("are forgotten when they have nothing to remember, and only then", () => {
    const clock = new SimulatedClock();
    const budgets = new SendBudgets(options, clock);
    const busy = budgets.of("@busy:test");
    const idle = budgets.of("@idle:test");
    for (let n = 0; n < 1_000; n++) {
      if (n % 50 === 0) draftsOf(busy);
      budgets.of(`@agent-${n}:test`);
      clock.advance(10);
    }
    expect(budgets.of("@busy:test")).toBe(busy);
    expect(budgets.of("@idle:test")).not.toBe(idle);
  });
});
