import type { Failure } from "../../src/runtime/failure.ts";
import type { ActorEvent } from "../../src/runtime/record.ts";
import type { ChartDriver } from "./chart-driver.ts";
import { failure } from "./chart-driver.ts";

/** How an effect may end. */
export interface Ending {
  readonly output?: unknown;
  readonly error?: Failure;
}

export interface World<TContext> {
  readonly start: ChartDriver<TContext>;
  /** By the effect's name; the first is the one that leads on. */
  readonly endings: Readonly<Record<string, readonly Ending[]>>;
  /** What may come from outside at any time. */
  readonly events: readonly ActorEvent[];
  /** What else tells two states apart than the chart's own value. */
  readonly distinguish: (context: TContext) => unknown;
  /** Asked of every state that is met. */
  readonly check?: (actor: ChartDriver<TContext>) => void;
  /** True where nothing needs to happen any more. */
  readonly settled: (actor: ChartDriver<TContext>) => boolean;
}

export interface Explored {
  /** The chart's values that were met, each as `region.state` paths of its leaves. */
  readonly leaves: ReadonlySet<string>;
  readonly states: number;
}

export function good(output?: unknown): Ending {
  return { output };
}

export function bad(kind: string, retryAfterMs?: number): Ending {
  return { error: failure(kind, retryAfterMs) };
}

const mostStates = 20_000;

/**
 * Walks everything that can happen from the start on, and from each state that it meets the way on which all goes well:
 * that must come to rest in a settled state without any help from outside.
 */
export function explore<TContext>(world: World<TContext>): Explored {
  const keyOf = (actor: ChartDriver<TContext>): string =>
    JSON.stringify([actor.value, world.distinguish(actor.context), [...actor.running.keys()]]);
  const met = new Map([[keyOf(world.start), world.start]]);
  const leaves = new Set<string>();
  const proved = new Set<string>();
  for (const actor of met.values()) {
    for (const leaf of leavesOf(actor.value)) leaves.add(leaf);
    world.check?.(actor);
    for (const key of wayOn(actor, world, (at) => proved.has(keyOf(at)), keyOf)) proved.add(key);
    for (const next of successors(actor, world)) {
      const key = keyOf(next);
      if (!met.has(key)) met.set(key, next);
      if (met.size > mostStates) throw new Error("too many states: tell fewer of them apart");
    }
  }
  return { leaves, states: met.size };
}

function* successors<TContext>(
  actor: ChartDriver<TContext>,
  { endings, events }: World<TContext>,
): Generator<ChartDriver<TContext>> {
  for (const [child, { name }] of actor.running)
    for (const { output, error } of endings[name] ?? []) {
      const next = actor.fork();
      if (error === undefined) next.done(child, output);
      else next.fail(child, error);
      yield next;
    }
  for (const timer of actor.timers.keys()) {
    const next = actor.fork();
    next.fire(timer);
    yield next;
  }
  for (const event of events) {
    const next = actor.fork();
    next.send(event);
    yield next;
  }
}

/** Lets all go well, effects before timers, until it is settled or where that is known; gives the states on the way. */
function wayOn<TContext>(
  from: ChartDriver<TContext>,
  { endings, settled }: World<TContext>,
  isProved: (actor: ChartDriver<TContext>) => boolean,
  keyOf: (actor: ChartDriver<TContext>) => string,
): Set<string> {
  const actor = from.fork();
  const way = new Set<string>();
  for (; !settled(actor) && !isProved(actor); way.add(keyOf(actor))) {
    const [running] = [...actor.running].filter(([, { name }]) => !isEndless(name));
    const [endless] = actor.running;
    const [timer] = [...actor.timers].toSorted(([, a], [, b]) => a - b)[0] ?? [];
    const where = `${JSON.stringify(actor.value)} (from ${JSON.stringify(from.value)})`;
    if (way.size > 100) throw new Error(`it does not come to rest in ${where}`);
    const next = running ?? (timer === undefined ? endless : undefined);
    if (next !== undefined) actor.done(next[0], endings[next[1].name]?.[0]?.output);
    else if (timer !== undefined) actor.fire(timer);
    else throw new Error(`nothing leads on from ${where}`);
  }
  return way.add(keyOf(from));
}

/** Polls follow each other for ever: they must not keep timers from firing. */
function isEndless(name: string): boolean {
  return name === "poll";
}

function leavesOf(value: unknown, path = ""): string[] {
  if (typeof value === "string") return [`${path}${value}`];
  return Object.entries(Object(value)).flatMap(([key, inner]) => leavesOf(inner, `${path}${key}.`));
}
