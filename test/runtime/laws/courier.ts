import { assign, fromPromise, setup } from "xstate";
import { type ActorId, actorId } from "../../../src/runtime/actor-id.ts";
import { type Behaviour, defineBehaviour } from "../../../src/runtime/behaviour.ts";
import type { EffectContext } from "../../../src/runtime/effect.ts";

/**
 * Delivers parcels, one after the other: a small agent with all that a real one has. Each delivery is an effect that may
 * fail and is tried again later; each receipt is an action in a lane; the ledger is told of each. Beside that it goes
 * round its desk, and finds its place there again after a pause.
 */
export type CourierEvent =
  | { readonly type: "PARCEL"; readonly n: number }
  /** Leaves the parcel under way, whose delivery may still be heard of. */
  | { readonly type: "SKIP" }
  | { readonly type: "ON_THE_WAY"; readonly n: number }
  | { readonly type: "TURN" | "PAUSE" | "RESUME" }
  | { readonly type: "POISON"; readonly n: number }
  | { readonly type: "deadLetter" };

interface CourierContext {
  readonly id: ActorId;
  readonly queue: readonly number[];
  readonly current: number | null;
  /** All parcels ever taken, and all that were left. */
  readonly taken: readonly number[];
  readonly skipped: readonly number[];
  readonly tries: number;
  /** Where a result was not that of the delivery under way. */
  readonly mixups: readonly string[];
}

/** What the effects do outside. */
export interface Outside {
  deliver(input: { readonly n: number }, context: EffectContext<CourierEvent>): Promise<{ readonly n: number }>;
  receipt(input: { readonly n: number }, context: EffectContext<CourierEvent>): Promise<void>;
}

export const courierId = (key: string): ActorId => actorId("town", "courier", key);
export const ledgerId = actorId("town", "ledger");

export function courier(outside: Outside): Behaviour {
  const machine = setup({
    types: { input: {} as { id: ActorId }, context: {} as CourierContext, events: {} as CourierEvent },
    actors: { deliver: fromPromise<{ readonly n: number }, { readonly n: number }>(() => Promise.reject()) },
    delays: { retry: 70 },
    guards: { broken: () => JSON.parse("poison"), waiting: ({ context }) => context.queue.length > 0 },
    actions: {
      receipt: (_, _params: { n: number }) => undefined,
      tell: (_, _params: { to: ActorId; event: object; id: string }) => undefined,
      enqueue: assign(({ context, event }) =>
        event.type === "PARCEL" ? { queue: [...context.queue, event.n], taken: [...context.taken, event.n] } : {},
      ),
      next: assign(({ context: { queue } }) => ({ current: queue[0] ?? null, queue: queue.slice(1), tries: 0 })),
      leave: assign(({ context }) => ({ skipped: [...context.skipped, context.current ?? -1] })),
      compare: assign(({ context }, { what, n }: { what: string; n: number }) =>
        n === context.current ? {} : { mixups: [...context.mixups, `${what} of ${n} while ${context.current}`] },
      ),
    },
  }).createMachine({
    id: "courier",
    version: "1",
    options: { maxIterations: 100 },
    context: ({ input: { id } }) => ({ id, queue: [], current: null, taken: [], skipped: [], tries: 0, mixups: [] }),
    on: { PARCEL: { actions: "enqueue" }, POISON: { guard: "broken" }, deadLetter: {} },
    type: "parallel",
    states: {
      round: {
        initial: "home",
        on: { ON_THE_WAY: { actions: { type: "compare", params: ({ event }) => ({ what: "word", n: event.n }) } } },
        states: {
          home: { always: { guard: "waiting", target: "out", actions: "next" } },
          out: {
            invoke: {
              id: "deliver",
              src: "deliver",
              input: ({ context }) => ({ n: context.current ?? -1 }),
              onDone: {
                target: "home",
                actions: [
                  { type: "compare", params: ({ event }) => ({ what: "delivery", n: event.output.n }) },
                  { type: "receipt", params: ({ context }) => ({ n: context.current ?? -1 }) },
                  {
                    type: "tell",
                    params: ({ context: { id, current } }) => ({
                      to: ledgerId,
                      event: { type: "ENTER", line: `${id} ${current}` },
                      id: `${id} ${current}`,
                    }),
                  },
                ],
              },
              onError: "resting",
            },
            on: { SKIP: { target: "home", actions: "leave" } },
          },
          resting: { after: { retry: "out" } },
        },
      },
      desk: {
        initial: "open",
        states: {
          open: {
            initial: "north",
            states: {
              north: { on: { TURN: "east" } },
              east: { on: { TURN: "south" } },
              south: { on: { TURN: "north" } },
              last: { type: "history" },
            },
            on: { PAUSE: "closed" },
          },
          closed: { on: { RESUME: "open.last" } },
        },
      },
    },
  });
  return defineBehaviour({
    machine,
    children: { deliver: outside.deliver },
    actions: { receipt: outside.receipt },
    lanes: { receipt: "receipts" },
    input: (id) => ({ id }),
  });
}

export function ledger(): Behaviour {
  const machine = setup({
    types: {
      context: {} as { readonly lines: readonly string[] },
      events: {} as { readonly type: "ENTER"; readonly line: string },
    },
  }).createMachine({
    id: "ledger",
    version: "1",
    options: { maxIterations: 100 },
    context: () => ({ lines: [] }),
    on: { ENTER: { actions: assign({ lines: ({ context, event }) => [...context.lines, event.line] }) } },
  });
  return defineBehaviour({ machine, children: {}, input: () => undefined });
}
