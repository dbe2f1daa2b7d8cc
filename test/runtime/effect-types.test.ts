import { describe, expect, it } from "vitest";
import { fromPromise, setup } from "xstate";
import { defineBehaviour } from "../../src/runtime/behaviour.ts";
import type { ChildEffects, Effect } from "../../src/runtime/effect.ts";

const machine = setup({
  types: { input: {} as { key: string }, events: {} as { type: "PROGRESS"; percent: number } },
  actors: { work: fromPromise<number, { job: string }>(() => Promise.reject()) },
  actions: { note: (_, _params: { n: number }) => undefined },
}).createMachine({
  id: "typed",
  version: "1",
  options: { maxIterations: 100 },
  initial: "a",
  states: {
    a: {
      entry: { type: "note", params: { n: 1 } },
      invoke: { id: "w", src: "work", input: { job: "a" }, onError: {} },
    },
  },
});
type Event = { type: "PROGRESS"; percent: number };

const work: Effect<{ job: string }, number, Event> = async ({ job }, { emit }) => {
  await emit({ type: "PROGRESS", percent: 50 });
  return job.length;
};
const note: Effect<{ n: number }, void, Event> = async () => undefined;
const input = () => ({ key: "a" });

describe("effects are bound to their chart by types:", () => {
  it("the right ones fit", () => {
    expect(defineBehaviour({ machine, children: { work }, actions: { note }, input }).name).toBe("typed");
  });

  it("a missing one does not compile, and is refused", () => {
    // @ts-expect-error: `work` is missing
    expect(() => defineBehaviour({ machine, children: {}, actions: { note }, input })).toThrow('"work" has no effect');
    expect(() => defineBehaviour({ machine, children: { work }, input })).toThrow('"note" has no effect');
  });

  it("an extra one, or one of another shape, does not compile", () => {
    // @ts-expect-error: the chart has no `other`
    const extra: ChildEffects<typeof machine> = { work, other: work };
    // @ts-expect-error: the chart gives { job: string }
    const wrongInput: ChildEffects<typeof machine> = { work: async ({ n }: { n: number }) => n };
    // @ts-expect-error: the chart wants a number
    const wrongOutput: ChildEffects<typeof machine> = { work: async () => "text" };
    const wrongEvent: ChildEffects<typeof machine> = {
      work: async (_, { emit }) => {
        // @ts-expect-error: the chart knows no such event
        await emit({ type: "TYPO" });
        return 1;
      },
    };
    expect([extra, wrongInput, wrongOutput, wrongEvent]).toHaveLength(4);
    const definition = { machine, children: { work }, actions: { note } };
    // @ts-expect-error: the chart's input has a key
    expect(() => defineBehaviour({ ...definition, input: () => ({}) })).not.toThrow();
  });
});
