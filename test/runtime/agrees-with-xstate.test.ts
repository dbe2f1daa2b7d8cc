import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { type AnyMachineSnapshot, type AnyStateMachine, initialTransition, transition } from "xstate";
import type { ActorRecord } from "../../src/runtime/record.ts";
import type { Step } from "../../src/runtime/step.ts";
import { LiveActor } from "./live-actor.ts";
import { events, randomChart } from "./random-chart.ts";
import { runs } from "./runs.ts";
import { SteppedActor } from "./stepped-actor.ts";
import { behaviourOf, thawed } from "./tiny-chart.ts";

const turns = 25;
let compared = 0;
const seen = new Map<string, number>();

// XState's development build warns of each event to a child that has ended.
beforeAll(() => void vi.spyOn(console, "warn").mockReturnValue());
afterAll(() => {
  const features = [...seen].map(([feature, count]) => `${count} ${feature}`).join(", ");
  console.log(`the runner was compared with XState on ${compared} steps: ${features}`);
});

type Damage = (record: ActorRecord) => ActorRecord;
const restored: Damage = (record) => thawed(record);

/** Drives a random chart with random events, results and time, here and in XState, and compares after each. */
function agreement(damage: Damage) {
  return fc.property(fc.gen(), (draw) => {
    const machine = randomChart(draw);
    const runner = new SteppedActor(behaviourOf(machine), damage);
    const live = new LiveActor(machine);
    const started = runner.start();
    live.start();
    const pure = new PureActor(machine, started);
    compare(runner, live);
    for (let turn = 0; turn < turns && runner.record.status === "active"; turn++) {
      const kind = draw(fc.constantFrom, "event", "event", "time", "done", "error");
      const child = draw(fc.constantFrom, undefined, ...runner.running);
      const value = draw(fc.nat, { max: 30 });
      count(kind);
      try {
        if (kind === "time") pass(value, runner, live, pure);
        else if (kind === "done" && child !== undefined) {
          live.finish(child, value);
          const event = { type: `xstate.done.actor.${child}`, output: value, actorId: child };
          pure.follow(event, runner.finish(child, value));
        } else if (kind === "error" && child !== undefined) {
          live.fail(child, value);
          const event = { type: `xstate.error.actor.${child}`, error: value, actorId: child };
          pure.follow(event, runner.fail(child, value));
        } else {
          const event = { type: draw(fc.constantFrom, ...events), n: value };
          live.send(event);
          pure.follow(event, runner.send(event));
        }
      } catch (error) {
        // What the runner calls a crash must be XState's error, too.
        if (error instanceof Error && error.message.includes("does not handle it")) {
          expect(live.observe().status).toBe("error");
          count("unhandled errors");
          return;
        }
        throw error;
      }
      compare(runner, live);
    }
    compared += runner.steps;
  });
}

function pass(duration: number, runner: SteppedActor, live: LiveActor, pure: PureActor): void {
  const until = runner.now + duration;
  live.advance(duration);
  for (let fired = runner.fireNext(until); fired !== undefined; fired = runner.fireNext(until))
    if (fired.timer.child === undefined) pure.follow(fired.timer.event, fired.step);
}

function compare(runner: SteppedActor, live: LiveActor): void {
  const observed = runner.observe();
  expect(observed).toEqual(live.observe());
  const { trace, history, status } = observed;
  if (trace.fired.length > 0) count("timers fired");
  if (trace.stopped.length > 0) count("children stopped");
  if (trace.received.length > 0) count("messages to children");
  if (Object.keys(history).length > 0) count("with history");
  if (status === "done") count("done");
}

function count(feature: string): void {
  seen.set(feature, (seen.get(feature) ?? 0) + 1);
}

/** XState's pure `transition()`, on snapshots that are never restored. */
class PureActor {
  readonly #machine: AnyStateMachine;
  #snapshot: AnyMachineSnapshot;

  constructor(machine: AnyStateMachine, started: Step | undefined) {
    this.#machine = machine;
    const [snapshot, actions] = initialTransition(machine);
    this.#snapshot = snapshot;
    this.#compare(actions, started);
  }

  follow(event: { type: string }, taken: Step | undefined): void {
    const [snapshot, actions] = transition(this.#machine, this.#snapshot, event);
    this.#snapshot = snapshot;
    this.#compare(actions, taken);
  }

  #compare(actions: readonly { type: string; params: unknown }[], taken: Step | undefined): void {
    const { value, context, status, output } = this.#snapshot;
    expect(taken?.record).toMatchObject({ value, context, status });
    expect(taken?.record.output).toEqual(output);
    const custom = taken?.effects.filter((effect) => effect.kind === "action").map(({ input }) => input);
    expect(custom).toEqual(actions.filter(({ type }) => type === "act").map(({ params }) => params));
  }
}

describe("the runner agrees with XState", () => {
  it("on random charts, restored from JSON after every step", { timeout: runs(120_000) }, () => {
    fc.assert(agreement(restored), { numRuns: runs(120), endOnFailure: true });
  });

  const damages: Readonly<Record<string, Damage>> = {
    "forgets history": (record) => ({ ...restored(record), history: {} }),
    "forgets that a child has finished": (record) => ({
      ...restored(record),
      children: Object.fromEntries(Object.entries(record.children).map(([id, { finished: _, ...rest }]) => [id, rest])),
    }),
    "forgets timers": (record) => ({ ...restored(record), timers: {} }),
    "numbers generations anew": (record) => ({ ...restored(record), generation: 0 }),
  };
  it.each(Object.entries(damages))("and it is noticed when it %s", (_, damage) => {
    const damaged = fc.check(agreement(damage), { numRuns: 500, endOnFailure: true, seed: 1 });
    expect(damaged.errorInstance).toBeInstanceOf(Error);
    expect(damaged.errorInstance).toMatchObject({ name: "AssertionError" });
    // The same charts and events up to there show nothing when nothing is damaged.
    expect(fc.check(agreement(restored), { numRuns: damaged.numRuns, seed: 1 }).failed).toBe(false);
  });
});
