import { assign, fromPromise, sendTo, setup, spawnChild } from "xstate";
import { type ActorId, actorId } from "../../src/runtime/actor-id.ts";
import { type Behaviour, defineBehaviour } from "../../src/runtime/behaviour.ts";
import type { Effect } from "../../src/runtime/effect.ts";
import type { ActorEvent, ActorRecord } from "../../src/runtime/record.ts";

/** Small charts, one for each thing that a host promises. Their effects are the test's own. */

const options = { maxIterations: 100 };
const effect = <TInput>() => fromPromise<unknown, TInput>(() => Promise.reject(new Error("carried out by the host")));
const none: Effect = async () => undefined;

export const toyId = (machine: string, key = "1"): ActorId => actorId("test", machine, key);

/** Writes down each number it is given, in order; answers with all of them; throws on POISON as long as it is poison. */
export function collector(isPoison: () => boolean = () => true): Behaviour {
  const machine = setup({
    types: {
      context: {} as { readonly numbers: readonly number[]; readonly letters: readonly unknown[] },
      events: {} as
        | { readonly type: "ADD"; readonly n: number }
        | { readonly type: "ASK"; readonly replyTo: string }
        | { readonly type: "POISON"; readonly replay?: string }
        | { readonly type: "deadLetter"; readonly letter: ActorEvent },
    },
    actions: { reply: (_, _params: { to: string; value: unknown }) => undefined },
  }).createMachine({
    id: "collector",
    version: "1",
    options,
    context: () => ({ numbers: [], letters: [] }),
    on: {
      ADD: { actions: assign({ numbers: ({ context, event }) => [...context.numbers, event.n] }) },
      ASK: {
        actions: {
          type: "reply",
          params: ({ context, event }) => ({ to: event.replyTo, value: context.numbers }),
        },
      },
      POISON: {
        guard: () => !isPoison() || JSON.parse("poison"),
        actions: assign({
          letters: ({ context, event: { replay } }) => [...context.letters, { taken: replay ?? null }],
        }),
      },
      deadLetter: { actions: assign({ letters: ({ context, event }) => [...context.letters, event.letter] }) },
    },
  });
  return defineBehaviour({ machine, children: {}, input: () => undefined });
}

/** Keeps each text it is given, in order; SPOIL adds what JSON does not keep. */
export function hoarder(): Behaviour {
  const machine = setup({
    types: {
      context: {} as { readonly kept: readonly unknown[] },
      events: {} as { readonly type: "KEEP"; readonly text: string } | { readonly type: "SPOIL" },
    },
  }).createMachine({
    id: "hoarder",
    version: "1",
    options,
    context: () => ({ kept: [] }),
    on: {
      KEEP: { actions: assign({ kept: ({ context, event }) => [...context.kept, event.text] }) },
      SPOIL: { actions: assign({ kept: ({ context }) => [...context.kept, 1n] }) },
    },
  });
  return defineBehaviour({ machine, children: {}, input: () => undefined });
}

/** Does one piece of work at a time; a new one takes the place of the one under way. */
export function worker(work: Effect, silence: Readonly<Record<string, number>> = {}): Behaviour {
  const machine = setup({
    types: {
      context: {} as { readonly results: readonly unknown[]; readonly heard: readonly number[] },
      events: {} as
        | { readonly type: "WORK"; readonly job: unknown }
        | { readonly type: "SAY"; readonly word: string }
        | { readonly type: "PROGRESS"; readonly n: number }
        | { readonly type: "LEAVE" }
        | { readonly type: "PING" },
    },
    actors: { work: effect<{ job: unknown }>() },
    actions: {
      hear: assign(({ context, event }) => (event.type === "PROGRESS" ? { heard: [...context.heard, event.n] } : {})),
      keep: assign(({ context }, { result }: { result: unknown }) => ({ results: [...context.results, result] })),
    },
  }).createMachine({
    id: "worker",
    version: "1",
    options,
    context: () => ({ results: [], heard: [] }),
    initial: "idle",
    on: { PING: {}, PROGRESS: { actions: "hear" } },
    states: {
      idle: { on: { WORK: "working" } },
      working: {
        invoke: {
          id: "work",
          src: "work",
          input: ({ event }) => ({ job: event.type === "WORK" ? event.job : undefined }),
          onDone: { target: "idle", actions: { type: "keep", params: ({ event }) => ({ result: event.output }) } },
          onError: { target: "idle", actions: { type: "keep", params: ({ event }) => ({ result: event.error }) } },
        },
        exit: sendTo("work", { type: "BYE" }),
        on: {
          WORK: { target: "working", reenter: true },
          SAY: { actions: sendTo("work", ({ event }) => event) },
          LEAVE: "idle",
        },
      },
    },
  });
  return defineBehaviour({ machine, children: { work }, input: () => undefined, silence });
}

/** Asks for one `note` per event; notes of an actor share a lane. */
export function noter(note: Effect): Behaviour {
  const machine = setup({
    types: { events: {} as { readonly type: "NOTE"; readonly n: number } | { readonly type: "POISON" } },
    actions: { note: (_, _params: { n: number }) => undefined },
  }).createMachine({
    id: "noter",
    version: "1",
    options,
    on: {
      NOTE: { actions: { type: "note", params: ({ event }) => ({ n: event.n }) } },
      POISON: { guard: () => JSON.parse("poison") },
    },
  });
  return defineBehaviour({
    machine,
    children: {},
    actions: { note: note as Effect<{ n: number }, void> },
    lanes: { note: "notes" },
    input: () => undefined,
  });
}

/** Waits as long as it is told, and counts how often the time came; throws what `wake` throws. */
export function sleeper(wake: () => void = () => undefined): Behaviour {
  const machine = setup({
    types: {
      context: {} as { readonly wait: number; readonly woken: readonly number[] },
      events: {} as { readonly type: "SLEEP"; readonly wait: number } | { readonly type: "WAKE" },
    },
    delays: { wait: ({ context }) => context.wait, half: ({ context }) => context.wait / 2 },
    actions: {
      note: assign(({ context, event }) => {
        wake();
        return { woken: [...context.woken, Number(Reflect.get(event, "at"))] };
      }),
    },
  }).createMachine({
    id: "sleeper",
    version: "1",
    options,
    context: () => ({ wait: 0, woken: [] }),
    initial: "awake",
    on: {
      SLEEP: { target: ".asleep", reenter: true, actions: assign({ wait: ({ event }) => event.wait }) },
      WAKE: ".awake",
    },
    states: {
      awake: {},
      asleep: {
        type: "parallel",
        states: {
          a: { initial: "on", states: { on: { after: { wait: { target: "off", actions: "note" } } }, off: {} } },
          b: { initial: "on", states: { on: { after: { half: { target: "off", actions: "note" } } }, off: {} } },
        },
      },
    },
  });
  return defineBehaviour({ machine, children: {}, input: () => undefined });
}

/** Passes on what it is told to. */
export function teller(): Behaviour {
  const machine = setup({
    types: {
      events: {} as {
        readonly type: "TELL";
        readonly to: readonly string[];
        readonly event: ActorEvent;
        readonly id?: string;
      },
    },
    actions: { tell: (_, _params: readonly object[]) => undefined },
  }).createMachine({
    id: "teller",
    version: "1",
    options,
    on: {
      TELL: {
        actions: {
          type: "tell",
          params: ({ event: { to, event, id } }) =>
            to.map((one) => ({ to: one, event, ...(id !== undefined && { id }) })),
        },
      },
    },
  });
  return defineBehaviour({ machine, children: {}, input: () => undefined });
}

/** Two regions, one of which remembers where it was. */
export function rememberer(): Behaviour {
  const machine = setup({
    types: { events: {} as { readonly type: "NEXT" | "OUT" | "BACK" | "TICK" | "END" } },
  }).createMachine({
    id: "rememberer",
    version: "1",
    options,
    type: "parallel",
    states: {
      place: {
        initial: "in",
        states: {
          in: {
            initial: "one",
            states: {
              one: { initial: "a", states: { a: { on: { NEXT: "b" } }, b: { on: { NEXT: "#two" } } } },
              two: { id: "two", initial: "a", states: { a: { on: { NEXT: "b" } }, b: {} } },
              last: { type: "history", history: "deep" },
            },
            on: { OUT: "out" },
          },
          out: { on: { BACK: "in.last" } },
        },
      },
      time: { initial: "tick", states: { tick: { on: { TICK: "tock" } }, tock: { on: { TICK: "tick" } } } },
    },
  });
  return defineBehaviour({ machine, children: {}, input: () => undefined });
}

/** Ends with the first END; a child runs until then. */
export function mortal(work: Effect = none): Behaviour {
  const machine = setup({
    types: { events: {} as { readonly type: "END" } },
    actors: { work: effect<undefined>() },
  }).createMachine({
    id: "mortal",
    version: "1",
    options,
    entry: spawnChild("work", { id: "work" }),
    initial: "alive",
    states: { alive: { on: { END: "dead" } }, dead: { type: "final" } },
  });
  return defineBehaviour({ machine, children: { work }, input: () => undefined });
}

/** The same actor in two versions: the second has gained a region with an effect and a timer, and lost its old effect. */
export function ageing(version: 1 | 2, work: Effect, migrate?: (record: ActorRecord) => ActorRecord): Behaviour {
  const machine = setup({
    types: { events: {} as { readonly type: "PING" } },
    actors: { old: effect<undefined>(), fresh: effect<undefined>() },
  }).createMachine({
    id: "ageing",
    version: String(version),
    options,
    on: { PING: {} },
    ...(version === 1
      ? { initial: "old", states: { old: { invoke: { id: "old", src: "old", onError: {} } } } }
      : {
          initial: "fresh",
          states: {
            fresh: { invoke: { id: "fresh", src: "fresh", onError: {} }, after: { 1000: "over" } },
            over: {},
          },
        }),
  });
  return defineBehaviour({
    machine,
    children: { old: work, fresh: work },
    input: () => undefined,
    ...(migrate !== undefined && { migrate }),
  });
}

/** Takes a record of the first version of {@link ageing} to the second. */
export function aged(record: ActorRecord): ActorRecord {
  const generation = record.generation + 2;
  return {
    ...record,
    version: 2,
    value: "fresh",
    children: { fresh: { src: "fresh", generation: generation - 1 } },
    timers: {
      "xstate.after.1000.ageing.fresh": {
        due: record.at + 1_000,
        generation,
        event: { type: "xstate.after.1000.ageing.fresh" },
      },
    },
    generation,
  };
}

/** Cannot bear POISON, and owes a word about each that it is told was given up: one after the other. */
export function debtor(say: Effect): Behaviour {
  const machine = setup({
    types: {
      context: {} as { readonly owed: readonly number[]; readonly pings: number },
      events: {} as
        | { readonly type: "POISON"; readonly n: number }
        | { readonly type: "PING" | "HEARD" }
        | { readonly type: "deadLetter"; readonly letter: ActorEvent },
    },
    actors: { say: effect<number>() },
    guards: { broken: () => JSON.parse("poison") },
    actions: { forget: assign(({ context }) => ({ owed: context.owed.slice(1) })) },
  }).createMachine({
    id: "debtor",
    version: "1",
    options,
    context: () => ({ owed: [], pings: 0 }),
    initial: "free",
    on: {
      POISON: { guard: "broken" },
      PING: { actions: assign({ pings: ({ context }) => context.pings + 1 }) },
      HEARD: {},
      deadLetter: { actions: assign({ owed: ({ context, event }) => [...context.owed, Number(event.letter["n"])] }) },
    },
    states: {
      free: { always: { guard: ({ context }) => context.owed.length > 0, target: "saying" } },
      saying: {
        invoke: {
          id: "say",
          src: "say",
          input: ({ context }) => context.owed[0] ?? 0,
          onDone: { target: "free", actions: "forget" },
          onError: "later",
        },
      },
      later: { after: { 100: "saying" } },
    },
  });
  return defineBehaviour({ machine, children: { say }, input: () => undefined });
}

/** Cannot bear the result of its work, nor POISON, nor the notice of that. */
export function fragile(work: Effect): Behaviour {
  const machine = setup({
    types: { events: {} as { readonly type: "WORK" | "POISON" | "deadLetter" } },
    actors: { work: effect<undefined>() },
    guards: { broken: () => JSON.parse("poison") },
  }).createMachine({
    id: "fragile",
    version: "1",
    options,
    initial: "idle",
    on: { POISON: { guard: "broken" }, deadLetter: { guard: "broken" } },
    states: {
      idle: { on: { WORK: "working" } },
      working: { invoke: { id: "work", src: "work", onDone: { guard: "broken" }, onError: {} } },
    },
  });
  return defineBehaviour({ machine, children: { work }, input: () => undefined });
}
