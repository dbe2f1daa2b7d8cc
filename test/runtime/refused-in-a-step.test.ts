import { describe, expect, it } from "vitest";
import {
  type AnyActorRef,
  assign,
  cancel,
  emit,
  enqueueActions,
  log,
  raise,
  sendParent,
  sendTo,
  spawnChild,
  stopChild,
} from "xstate";
import { UnsupportedChart } from "../../src/runtime/unsupported.ts";
import { behaviourOf, placeholder, Stepper, tinyChart } from "./tiny-chart.ts";

type Spawn = (src: string, options: { id: string }) => AnyActorRef;
type Enqueue = Parameters<Parameters<typeof enqueueActions>[0]>[0]["enqueue"];

const enqueued = (add: (enqueue: Enqueue) => void): unknown => enqueueActions(({ enqueue }) => add(enqueue as never));
const spawned = ({ spawn }: { spawn: unknown }): object => {
  (spawn as Spawn)("work", { id: "one" });
  return {};
};

/** Each is what the chart does on GO. */
const refusals: readonly { readonly feature: string; readonly does: unknown; readonly says: string }[] = [
  { feature: "a Date in the context", does: assign({ at: () => new Date(0) }), says: "context.at is a Date" },
  { feature: "a Map in the context", does: assign({ map: () => new Map() }), says: "context.map is a Map" },
  {
    feature: "an Error in the context",
    does: assign({ error: () => new Error("no") }),
    says: "context.error is a Error",
  },
  { feature: "NaN in the context", does: assign({ list: () => [1, Number.NaN] }), says: "context.list[1] is NaN" },
  { feature: "a bigint in the context", does: assign({ big: () => 1n }), says: "context.big is a bigint" },
  {
    feature: "a function in the context",
    does: assign({ deep: () => ({ f: () => 1 }) }),
    says: "context.deep.f is a function",
  },
  { feature: "a hole in an array", does: assign({ list: () => Array(1) }), says: "context.list[0] is undefined" },
  {
    feature: "a context that contains itself",
    does: assign(() => {
      const context: Record<string, unknown> = {};
      context["self"] = context;
      return context;
    }),
    says: "contains itself",
  },
  {
    feature: "params that are not JSON",
    does: { type: "act", params: { at: new Date(0) } },
    says: 'params of "act".at',
  },
  {
    feature: "an input that is not JSON",
    does: spawnChild("work" as never, { id: "one", input: new Map() } as never),
    says: 'input of "work" is a Map',
  },
  {
    feature: "an event to a child that is not JSON",
    does: sendTo("kid", { type: "E", f: () => 1 }),
    says: 'event "E".f',
  },
  {
    feature: "a delayed event that is not JSON",
    does: raise({ type: "E", at: new Date(0) } as never, { id: "e", delay: 5 }),
    says: 'event "E".at',
  },
  { feature: "spawn inside assign", does: assign(spawned as never), says: 'child "one" was spawned inside assign' },
  {
    feature: "spawn inside assign in place of a child",
    does: assign((({ spawn }: { spawn: Spawn }) => {
      spawn("work", { id: "kid" });
      return {};
    }) as never),
    says: 'child "kid" was spawned inside assign',
  },
  {
    feature: "sendTo to the actor itself",
    does: sendTo(({ self }) => self, { type: "E" } as never),
    says: "use raise",
  },
  { feature: "sendTo to nobody", does: sendTo(() => undefined as never, { type: "E" } as never), says: "use raise" },
  {
    feature: "sendTo by system id",
    does: sendTo(({ system }) => system.get("one") as never, { type: "E" } as never),
    says: "use raise",
  },
  {
    feature: "sendTo to an unknown child",
    does: sendTo("typo", { type: "E" }),
    says: "Unable to send event to actor 'typo'",
  },
  { feature: "a delay that is NaN", does: raise({ type: "E" }, { id: "e", delay: () => Number.NaN }), says: "raise: " },
  {
    feature: "a delay that is endless",
    does: raise({ type: "E" }, { id: "e", delay: () => Infinity }),
    says: "raise: ",
  },
  {
    feature: "a delay that is not a number",
    does: raise({ type: "E" }, { id: "e", delay: (() => undefined) as never }),
    says: 'raise "e" has no delay',
  },
  {
    feature: "a delayed raise under the id of a pending one",
    does: raise({ type: "E" }, { id: "pending", delay: 1 }),
    says: 'timer "pending" is already pending',
  },
  {
    feature: "a child under the id of a running one",
    does: spawnChild("work" as never, { id: "kid" } as never),
    says: 'child "kid" is already running',
  },
  {
    feature: "an inline action through enqueueActions",
    does: enqueued((enqueue) => enqueue(() => undefined)),
    says: "inline",
  },
  {
    feature: "an inline action that has the name of an effect",
    does: enqueued((enqueue) => enqueue(function act() {})),
    says: 'action "act" is inline',
  },
  {
    feature: "an inline action that has the name of a runtime action",
    does: enqueued((enqueue) => enqueue(function tell() {})),
    says: 'action "tell" is inline',
  },
  {
    feature: "an unknown action through enqueueActions",
    does: enqueued((enqueue) => enqueue("typo" as never)),
    says: '"typo"',
  },
  {
    feature: "emit through enqueueActions",
    does: enqueued((enqueue) => enqueue(emit({ type: "E" }))),
    says: "xstate.emit",
  },
  {
    feature: "log through enqueueActions",
    does: enqueued((enqueue) => enqueue(log("hello") as never)),
    says: "xstate.log",
  },
  {
    feature: "sendParent through enqueueActions",
    does: enqueued((enqueue) => enqueue(sendParent({ type: "E" }))),
    says: "#_parent",
  },
  {
    feature: "a delayed raise without id through enqueueActions",
    does: enqueued((enqueue) => enqueue.raise({ type: "E" } as never, { delay: 5 })),
    says: "a delayed raise needs an id",
  },
  {
    feature: "a delayed sendTo without id through enqueueActions",
    does: enqueued((enqueue) => enqueue.sendTo("kid" as never, { type: "E" } as never, { delay: 5 })),
    says: "a delayed sendTo needs an id",
  },
  {
    feature: "spawnChild without id through enqueueActions",
    does: enqueued((enqueue) => enqueue.spawnChild("work" as never)),
    says: 'spawnChild "work" needs an id',
  },
  {
    feature: "spawnChild of inline logic through enqueueActions",
    does: enqueued((enqueue) => enqueue.spawnChild(placeholder as never, { id: "one" } as never)),
    says: "spawnChild",
  },
  {
    feature: "spawnChild with syncSnapshot through enqueueActions",
    does: enqueued((enqueue) => enqueue.spawnChild("work" as never, { id: "one", syncSnapshot: true } as never)),
    says: "syncSnapshot",
  },
  {
    feature: "spawnChild with a systemId through enqueueActions",
    does: enqueued((enqueue) => enqueue.spawnChild("work" as never, { id: "one", systemId: "one" } as never)),
    says: "systemId",
  },
  {
    feature: "a tell to what is no actor id",
    does: { type: "tell", params: { to: "a|b", event: { type: "E" } } },
    says: "tell",
  },
  {
    feature: "a tell that is not JSON",
    does: { type: "tell", params: { to: "test/tiny/2", event: { type: "E", at: new Date(0) } } },
    says: 'event "E".at',
  },
  {
    feature: "a reply that is not JSON",
    does: { type: "reply", params: { to: "ask", value: new Map() } },
    says: "reply",
  },
];

const implementations = {
  actors: { work: placeholder },
  actions: { act: () => undefined, tell: () => undefined, reply: () => undefined },
};

function stepperOf(onGo: object): Stepper {
  const machine = tinyChart(
    {
      entry: [
        spawnChild("work" as never, { id: "kid" } as never),
        raise({ type: "LATER" }, { id: "pending", delay: 9 }),
      ],
      on: { GO: onGo },
      initial: "a",
      states: { a: {}, b: {}, end: { type: "final" }, loop: { always: "b2" }, b2: { always: "loop" } },
    },
    implementations,
  );
  const stepper = new Stepper(behaviourOf(machine, { actions: { act: async () => undefined } }));
  stepper.start();
  return stepper;
}

function refused(run: () => unknown, says: string, where = 'on "GO"'): void {
  expect(run).toThrow(UnsupportedChart);
  expect(run).toThrow(expect.objectContaining({ machine: "tiny", where, message: expect.stringContaining(says) }));
}

describe("a step is refused for", () => {
  it.each(refusals)("$feature", ({ does, says }) => {
    const stepper = stepperOf({ actions: does });
    const before = stepper.record;
    refused(() => stepper.send({ type: "GO" }), says);
    expect(stepper.record).toBe(before);
  });

  it("a loop of eventless transitions", () => {
    const stepper = stepperOf({ target: ".loop" });
    refused(() => stepper.send({ type: "GO" }), "does not come to rest");
  });

  it("a loop of raised events", () => {
    const stepper = stepperOf({ actions: raise({ type: "GO" }) });
    refused(() => stepper.send({ type: "GO" }), "does not come to rest");
  });

  it("an output that is not JSON", () => {
    const machine = tinyChart({
      initial: "a",
      states: { a: { on: { GO: "end" } }, end: { type: "final" } },
      output: () => ({ at: new Date(0) }),
    });
    const stepper = new Stepper(behaviourOf(machine));
    stepper.start();
    refused(() => stepper.send({ type: "GO" }), "output.at is a Date");
  });

  it("a first context that is not JSON", () => {
    const stepper = new Stepper(behaviourOf(tinyChart({ context: () => ({ at: new Date(0) }) })));
    refused(() => stepper.start(), "context.at is a Date", 'on "xstate.init"');
  });
});

describe("a step that throws", () => {
  const failing = tinyChart(
    {
      context: () => ({ n: 0 }),
      initial: "a",
      states: {
        a: { entry: spawnChild("work" as never, { id: "kid" } as never), on: { GO: { guard: () => JSON.parse("{") } } },
      },
    },
    { actors: { work: placeholder } },
  );

  it("gives the chart's own error", () => {
    const stepper = new Stepper(behaviourOf(failing));
    stepper.start();
    expect(() => stepper.send({ type: "GO" })).toThrow("Unable to evaluate guard");
  });

  it("says which child failed when the chart does not handle it", () => {
    const stepper = new Stepper(behaviourOf(failing));
    stepper.start();
    const generation = stepper.record?.children["kid"]?.generation ?? 0;
    const error = { name: "MatrixError", message: "forbidden" };
    expect(() => stepper.take({ kind: "error", child: "kid", generation, error })).toThrow(
      expect.objectContaining({ message: 'child "kid" failed, and the chart does not handle it', cause: error }),
    );
  });
});

describe("a step is taken with", () => {
  it("sendTo in the entry actions of the state that invokes the child, also when that is entered again", () => {
    const invoke = { src: "work", id: "kid", onError: {} };
    const entry = sendTo("kid", { type: "HELLO" });
    const machine = tinyChart(
      { initial: "a", states: { a: { entry, invoke, on: { AGAIN: { target: "a", reenter: true } } } } },
      implementations,
    );
    const stepper = new Stepper(behaviourOf(machine, { actions: { act: async () => undefined } }));
    const started = (generation: number) => [
      expect.objectContaining({ kind: "child", child: "kid", generation }),
      { kind: "send", child: "kid", generation, event: { type: "HELLO" } },
    ];
    expect(stepper.start().effects).toEqual(started(1));
    const again = stepper.send({ type: "AGAIN" });
    expect(again.effects).toEqual(started(2));
    expect(again.ended).toEqual([1]);
  });

  it("a child that starts and stops within it: nothing of it is left", () => {
    const does = [spawnChild("work" as never, { id: "one" } as never), sendTo("one", { type: "E" }), stopChild("one")];
    const step = stepperOf({ actions: does }).send({ type: "GO" });
    expect(step.effects).toEqual([]);
    expect(step.ended).toEqual([]);
    expect(Object.keys(step.record.children)).toEqual(["kid"]);
  });

  it("a last word to a child that it stops", () => {
    const step = stepperOf({ actions: [sendTo("kid", { type: "BYE" }), stopChild("kid")] }).send({ type: "GO" });
    expect(step.effects).toEqual([{ kind: "send", child: "kid", generation: 1, event: { type: "BYE" } }]);
    expect(step.ended).toEqual([1]);
  });

  it("a delayed event to a child that has ended: it goes to nobody, also not to the next of that id", () => {
    const machine = tinyChart(
      {
        entry: spawnChild("work" as never, { id: "kid" } as never),
        on: {
          LATER: { actions: sendTo("kid", { type: "E" }, { id: "e", delay: 10 }) },
          NEW: { actions: [stopChild("kid"), spawnChild("work" as never, { id: "kid" } as never)] },
        },
      },
      implementations,
    );
    const stepper = new Stepper(behaviourOf(machine, { actions: { act: async () => undefined } }));
    stepper.start();
    expect(stepper.send({ type: "LATER" }).timers.set).toEqual(["e"]);
    expect(stepper.send({ type: "NEW" }).timers.cancel).toEqual(["e"]);
  });

  it("a final state while spawned children run: they end, and no timer is left", () => {
    const step = stepperOf({ target: ".end" }).send({ type: "GO" });
    expect(step.record).toMatchObject({ status: "done", children: {}, timers: {} });
    expect(step.ended).toEqual([1]);
    expect(step.timers.cancel).toEqual(["pending"]);
  });

  it("a delayed raise again under its id, once the first was cancelled", () => {
    const does = [cancel("pending"), raise({ type: "LATER" }, { id: "pending", delay: 20 })];
    const stepper = stepperOf({ actions: does });
    stepper.at = 5;
    const step = stepper.send({ type: "GO" });
    expect(step.record.timers["pending"]).toMatchObject({ due: 25 });
    expect(step.timers).toEqual({ set: ["pending"], moved: [], cancel: ["pending"] });
  });

  it("history of states whose ids hold dots", () => {
    const machine = tinyChart({
      id: "tiny.dotted",
      initial: "a",
      states: {
        a: {
          initial: "b",
          states: { b: { on: { NEXT: "c" } }, c: { id: "see.here" }, h: { type: "history" } },
          on: { OUT: "out" },
        },
        out: { on: { BACK: "a.h" } },
      },
    });
    const stepper = new Stepper(behaviourOf(machine));
    stepper.start();
    for (const type of ["NEXT", "OUT", "BACK"]) stepper.send({ type });
    expect(stepper.record?.value).toEqual({ a: "c" });
  });
});
