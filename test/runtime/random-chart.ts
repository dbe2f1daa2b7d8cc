import type { GeneratorValue } from "fast-check";
import fc from "fast-check";
import {
  type AnyStateMachine,
  and,
  assign,
  cancel,
  enqueueActions,
  not,
  or,
  raise,
  sendTo,
  spawnChild,
  stateIn,
  stopChild,
} from "xstate";
import { placeholder, tinyChart } from "./tiny-chart.ts";

/** A state as it is drawn, before its transitions are: those need all states as targets. */
interface Node {
  readonly key: string;
  readonly path: string;
  readonly type: "atomic" | "compound" | "parallel" | "final" | "history";
  readonly children: readonly Node[];
}

interface Context {
  readonly n: number;
  /** Each eventless transition and each raised event takes one, so that every step comes to rest. */
  readonly fuel: number;
}

export const events = ["E0", "E1", "E2", "E3"] as const;
export const delays = { soon: 15, later: ({ context }: { context: Context }) => 20 + (context.n % 3) * 10 };

const burn = assign(({ context }: { context: Context }) => ({ fuel: context.fuel - 1 }));
const count = assign(({ context }: { context: Context }) => ({ n: context.n + 1 }));

/** Draws a chart of everything that the runtime supports. Its custom action is `act`, its effects are `work`. */
export function randomChart(draw: GeneratorValue): AnyStateMachine {
  return new ChartDrawing(draw).chart();
}

class ChartDrawing {
  readonly #draw: GeneratorValue;
  readonly #targets: { readonly path: string; readonly history: boolean }[] = [];
  readonly #leaves: string[] = [];
  readonly #pets: string[] = ["pet"];
  #states = 0;

  constructor(draw: GeneratorValue) {
    this.#draw = draw;
  }

  chart(): AnyStateMachine {
    const children = this.#children("tiny", 0, this.#oneOf([false, false, true]));
    const root: Node = {
      key: "tiny",
      path: "tiny",
      type: children.parallel ? "parallel" : "compound",
      children: children.nodes,
    };
    const { states, initial } = this.#config(root) as { states: object; initial?: string };
    const config = {
      context: () => ({ n: 0, fuel: 12 }),
      ...(root.type === "parallel" ? { type: "parallel" } : { initial }),
      entry: [stopChild("pet"), spawnChild("work" as never, { id: "pet", input: { of: "root" } } as never)],
      on: {
        ...Object.fromEntries(
          this.#pets.map((id) => [`xstate.error.actor.${id}`, { actions: this.#note("pet failed") }]),
        ),
        ...this.#on("tiny"),
      },
      output: ({ context, event }: { context: Context; event: { output?: unknown } }) => ({
        n: context.n,
        of: event.output,
      }),
      states,
    };
    const guards = { odd: ({ context }: { context: Context }) => context.n % 2 === 1, above: isAbove };
    return tinyChart(config, { actors: { work: placeholder }, actions: { act: () => undefined }, guards, delays });
  }

  #children(path: string, depth: number, parallel: boolean): { parallel: boolean; nodes: Node[] } {
    const nodes = Array.from({ length: 1 + this.#number(parallel ? 2 : 3) }, () =>
      this.#node(path, depth + 1, parallel),
    );
    if (!nodes.some(({ type }) => type !== "final")) nodes.unshift(this.#leaf(path, "atomic"));
    if (depth > 0 && this.#chance(50)) nodes.push(this.#leaf(path, "history"));
    return { parallel, nodes };
  }

  #node(parent: string, depth: number, inParallel: boolean): Node {
    const inner = depth < 3 && this.#states < 12;
    const type = this.#oneOf([
      "atomic",
      inner ? "compound" : "atomic",
      inner ? "parallel" : "atomic",
      inParallel ? "compound" : depth > 1 || this.#chance(15) ? "final" : "atomic",
    ] as const);
    if (type === "atomic" || type === "final") return this.#leaf(parent, type);
    const key = this.#key();
    const path = `${parent}.${key}`;
    this.#targets.push({ path, history: false });
    return { key, path, type, children: this.#children(path, depth, type === "parallel").nodes };
  }

  #leaf(parent: string, type: "atomic" | "final" | "history"): Node {
    const key = this.#key();
    const path = `${parent}.${key}`;
    this.#targets.push({ path, history: type === "history" });
    if (type === "atomic") this.#leaves.push(path);
    return { key, path, type, children: [] };
  }

  #config({ path, type, children }: Node, siblings: readonly Node[] = []): object {
    if (type === "history") {
      const target = siblings.find((sibling) => sibling.type !== "history" && sibling.type !== "final")?.key;
      return { type, history: this.#oneOf(["shallow", "deep"]), ...(this.#chance(50) && { target }) };
    }
    const entry = [this.#note(`enter ${path}`), ...this.#some(3, () => this.#action(path))];
    const exit = [this.#note(`exit ${path}`), ...this.#some(2, () => this.#action(path))];
    if (type === "final")
      return { type, entry, exit, output: ({ context }: { context: Context }) => ({ from: path, n: context.n }) };
    const states = Object.fromEntries(children.map((child) => [child.key, this.#config(child, children)]));
    const inner = children.filter((child) => child.type !== "history");
    const initial = inner.find((child) => child.type !== "final")?.key;
    return {
      ...(type !== "atomic" && { states, onDone: this.#burning(path, "done") }),
      ...(type === "compound" && {
        initial: this.#chance(30) ? { target: initial, actions: this.#note("initial") } : initial,
      }),
      ...(type === "parallel" && { type }),
      ...this.#invoke(path, entry, exit),
      entry,
      exit,
      on: this.#on(path),
      ...(this.#chance(25) && { always: this.#burning(path, "always") }),
      ...(this.#chance(35) && {
        after: { [this.#oneOf(["10", "25", "soon", "later"])]: this.#transition(path, "after") },
      }),
    };
  }

  #invoke(path: string, entry: unknown[], exit: unknown[]): object {
    if (!this.#chance(30)) return {};
    const id = `kid ${path}`;
    if (this.#chance(40)) entry.push(sendTo(id, { type: "HELLO" }));
    if (this.#chance(40)) exit.push(sendTo(id, { type: "BYE" }));
    const input = ({ context, event }: { context: Context; event: { type: string } }) => ({
      n: context.n,
      on: event.type,
    });
    return {
      invoke: {
        src: "work",
        id,
        input,
        onDone: this.#transition(path, "result"),
        onError: this.#transition(path, "error"),
      },
    };
  }

  #on(path: string): object {
    return Object.fromEntries(
      this.#some(3, () => this.#oneOf(events)).map((event) => [
        event,
        this.#some(2, () => this.#transition(path, event)),
      ]),
    );
  }

  #transition(source: string, name: string): object {
    return {
      ...(this.#chance(75) && { target: this.#target(source) }),
      ...(this.#chance(25) && { reenter: true }),
      ...(this.#chance(40) && { guard: this.#guard() }),
      actions: [this.#note(name), ...this.#some(2, () => this.#action("transition"))],
    };
  }

  /** A transition that no event from outside pays for. */
  #burning(source: string, name: string): object {
    return {
      target: this.#target(source),
      guard: and([({ context }: { context: Context }) => context.fuel > 0, this.#guard() as never]),
      actions: [burn, this.#note(name), ...this.#some(1, () => this.#action("transition"))],
    };
  }

  /** Any state; but from inside a state not its own history: XState enters the source again that was never left. */
  #target(source: string): string {
    const fitting = this.#targets.filter(({ path, history }) => !history || !`${source}.`.startsWith(parentOf(path)));
    return `#${this.#oneOf(fitting).path}`;
  }

  #guard(): unknown {
    const simple: unknown[] = ["odd", { type: "above", params: { least: this.#number(6) } }];
    if (this.#leaves.length > 0) simple.push(stateIn(`#${this.#oneOf(this.#leaves)}`));
    const [one, other] = [this.#oneOf(simple), this.#oneOf(simple)] as never[];
    return this.#oneOf([one, not(one as never), and([one, other] as never), or([one, other] as never)]);
  }

  #action(path: string): unknown {
    const event = { type: this.#oneOf(events), n: this.#number(9) };
    const delay = this.#oneOf([5, 20, "soon", "later"]);
    const id = `t ${path}`;
    const pet = `pet ${path}`;
    this.#pets.push(pet);
    return this.#oneOf<unknown>([
      count,
      this.#note(`act ${path}`),
      enqueueActions((({ context, enqueue }: { context: Context; enqueue: (action: unknown) => void }) => {
        if (context.fuel <= 0) return;
        enqueue(burn);
        enqueue(raise(event));
      }) as never),
      enqueueActions((({ enqueue }: { enqueue: (action: unknown) => void }) => {
        enqueue(cancel(id));
        enqueue(raise(event, { id, delay: delay as never }));
      }) as never),
      cancel(id),
      enqueueActions((({ enqueue }: { enqueue: (action: unknown) => void }) => {
        enqueue(stopChild(pet));
        enqueue(spawnChild("work" as never, { id: pet, input: event } as never));
        enqueue(sendTo(pet, event as never));
      }) as never),
      stopChild(pet),
      sendTo("pet", event as never),
      enqueueActions((({ enqueue }: { enqueue: (action: unknown) => void }) => {
        enqueue(cancel("to pet"));
        enqueue(sendTo("pet", event as never, { id: "to pet", delay: delay as never }));
      }) as never),
    ]);
  }

  /** The custom action, with params that tell where it stands and what it sees. */
  #note(at: string): object {
    const params = ({ context, event }: { context: Context; event: Record<string, unknown> }) => ({
      at,
      n: context.n,
      on: event["type"],
      with: event["n"] ?? event["output"] ?? event["error"] ?? null,
    });
    return { type: "act", params };
  }

  #key(): string {
    return `s${this.#states++}`;
  }

  #some<T>(most: number, make: () => T): T[] {
    return Array.from({ length: this.#number(most) }, make);
  }

  #chance(percent: number): boolean {
    return this.#number(99) < percent;
  }

  #oneOf<T>(values: readonly T[]): T {
    return values[this.#number(values.length - 1)] as T;
  }

  #number(max: number): number {
    return this.#draw(fc.nat, { max });
  }
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf(".") + 1);
}

function isAbove({ context }: { context: Context }, { least }: { least: number }): boolean {
  return context.n > least;
}
