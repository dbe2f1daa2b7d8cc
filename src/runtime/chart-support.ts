import type { AnyStateMachine, AnyStateNode, AnyTransitionDefinition } from "xstate";
import { stateAt, stateNodesOf } from "./state-nodes.ts";
import { UnsupportedChart } from "./unsupported.ts";

export interface Implemented {
  readonly children: ReadonlySet<string>;
  readonly actions: ReadonlySet<string>;
  readonly backoffDelays: readonly string[];
}

/** Throws {@link UnsupportedChart} for the first thing in the chart's configuration that the runtime cannot keep true. */
export function assertSupported(machine: AnyStateMachine, implemented: Implemented): void {
  new ChartCheck(machine, implemented).run();
}

/** What XState calls an action in a resolved configuration: a name, a name with params, a function or a built-in. */
type ActionLike = string | { readonly type: string } | ((...args: never[]) => unknown);

const refusedBuiltIns: Readonly<Record<string, string>> = {
  "xstate.emit": "emit: subscribe to the actor instead",
  "xstate.log": "log: the transition journal tells what happened",
};

class ChartCheck {
  readonly #machine: AnyStateMachine;
  readonly #implemented: Implemented;
  readonly #nodes: ReadonlyMap<string, AnyStateNode>;
  #where = "root";

  constructor(machine: AnyStateMachine, implemented: Implemented) {
    this.#machine = machine;
    this.#implemented = implemented;
    this.#nodes = stateNodesOf(machine);
  }

  run(): void {
    const { config, options, implementations } = this.#machine;
    const limit = options.maxIterations;
    if (limit === undefined || !Number.isFinite(limit))
      this.#refuse("options.maxIterations must be finite: a loop of eventless transitions would hang the process");
    if (config.context !== undefined && typeof config.context !== "function")
      this.#refuse("context must be a function: an object would be shared by all actors");
    for (const name of this.#implemented.backoffDelays)
      if (!(name in implementations.delays)) this.#refuse(`backoff delay "${name}" is not in setup({ delays })`);
    for (const name of Object.keys(implementations.actors))
      if (!this.#implemented.children.has(name)) this.#refuse(`actor "${name}" has no effect`);
    for (const [name, action] of Object.entries(implementations.actions)) {
      this.#where = `setup({ actions: "${name}" })`;
      if (isBuiltIn(action)) this.#builtIn(action);
      else if (!this.#implemented.actions.has(name)) this.#refuse(`action "${name}" has no effect`);
    }
    for (const [name, guard] of Object.entries(implementations.guards)) {
      this.#where = `setup({ guards: "${name}" })`;
      this.#guard(guard);
    }
    this.#node(this.#machine.root);
  }

  #node(node: AnyStateNode): void {
    this.#where = `state "${node.id}"`;
    // XState resolves initial states and targets lazily: without this, a bad one would show only on entry.
    const { initial, transitions, always } = this.#resolved(node);
    node.entry.forEach((action) => void this.#action(action));
    node.exit.forEach((action) => void this.#action(action));
    initial.forEach((action) => void this.#action(action));
    this.#invokes(node);
    for (const [descriptor, list] of transitions) {
      if (descriptor === "*" || (descriptor.startsWith("xstate.") && descriptor.endsWith("*")))
        this.#refuse(`"${descriptor}" would also take results, errors and timers`);
      list.forEach((transition) => void this.#transition(transition));
    }
    always.forEach((transition) => void this.#transition(transition));
    for (const { delay } of node.after) this.#delay(delay);
    Object.values(node.states).forEach((child) => void this.#node(child));
  }

  #resolved(node: AnyStateNode) {
    try {
      if (node.type === "history") for (const target of historyTargets(node)) this.#assertState(node, target);
      return {
        initial: node.type === "compound" ? node.initial.actions : [],
        transitions: node.transitions,
        always: node.always ?? [],
      };
    } catch (cause) {
      throw this.#refusal(cause instanceof Error ? cause.message : String(cause), { cause });
    }
  }

  /** Throws unless `target` names a state, by id or as a path from the history node's parent. */
  #assertState({ parent }: AnyStateNode, target: string): void {
    if (parent === undefined || stateAt(parent, target) === undefined)
      this.#refuse(`the default target "${target}" does not exist`);
  }

  #invokes(node: AnyStateNode): void {
    const configured = node.config.invoke;
    const list = configured === undefined ? [] : Array.isArray(configured) ? configured : [configured];
    for (const invoke of list) {
      const { src, id, onError, onSnapshot, systemId }: Record<string, unknown> = invoke;
      this.#source(src, "invoke");
      if (typeof id !== "string") this.#refuse(`invoke "${src}" needs an id: results are matched by it`);
      if (onError === undefined) this.#refuse(`invoke "${id}" needs onError: every effect can fail`);
      if (onSnapshot !== undefined) this.#refuse(`invoke "${id}": onSnapshot`);
      if (systemId !== undefined) this.#refuse(`invoke "${id}": systemId`);
    }
  }

  #source(src: unknown, what: string): void {
    if (typeof src !== "string") this.#refuse(`${what} src must be a name from setup({ actors })`);
    else if (!(src in this.#machine.implementations.actors))
      this.#refuse(`${what} src "${src}" is not in setup({ actors })`);
  }

  #transition(transition: AnyTransitionDefinition): void {
    transition.actions.forEach((action) => void this.#action(action));
    this.#guard(transition.guard);
  }

  #action(action: ActionLike): void {
    if (isBuiltIn(action)) return this.#builtIn(action);
    if (typeof action === "function") this.#refuse("an inline action: give it a name in setup({ actions })");
    const name = typeof action === "string" ? action : Reflect.get(action, "type");
    if (!(name in this.#machine.implementations.actions)) this.#refuse(`action "${name}" is not in setup({ actions })`);
  }

  #builtIn(action: BuiltIn): void {
    const refused = refusedBuiltIns[action.type];
    if (refused !== undefined) this.#refuse(refused);
    const { id, delay, to, src, systemId, syncSnapshot } = action;
    if (action.type === "xstate.spawnChild") {
      this.#source(src, "spawnChild");
      if (id === undefined) this.#refuse(`spawnChild "${src}" needs an id: results are matched by it`);
      if (systemId !== undefined) this.#refuse(`spawnChild "${src}": systemId`);
      if (syncSnapshot === true) this.#refuse(`spawnChild "${src}": syncSnapshot`);
    }
    if (action.type === "xstate.sendTo" && to === "#_parent")
      this.#refuse("sendParent: tell the other actor by its id");
    if (delay !== undefined && (action.type === "xstate.raise" || action.type === "xstate.sendTo")) {
      if (id === undefined) this.#refuse(`a delayed ${action.type.slice("xstate.".length)} needs an id`);
      this.#delay(delay);
    }
  }

  #delay(delay: unknown): void {
    if (typeof delay === "string" && !(delay in this.#machine.implementations.delays))
      this.#refuse(`delay "${delay}" is not in setup({ delays }): it would fire at once`);
    if (typeof delay === "number" && !Number.isFinite(delay)) this.#refuse(`a timer cannot have the delay ${delay}`);
  }

  #guard(guard: unknown): void {
    if (guard === undefined) return;
    if (typeof guard === "function") {
      const nested: unknown = Reflect.get(guard, "guards");
      if (Array.isArray(nested)) nested.forEach((inner) => void this.#guard(inner));
      const stateIn: unknown = Reflect.get(guard, "stateValue");
      if (typeof stateIn === "string" && stateIn.startsWith("#") && !this.#nodes.has(stateIn.slice(1)))
        this.#refuse(`stateIn("${stateIn}") names no state`);
      return;
    }
    const name = typeof guard === "string" ? guard : String(Reflect.get(Object(guard), "type"));
    if (!(name in this.#machine.implementations.guards)) this.#refuse(`guard "${name}" is not in setup({ guards })`);
  }

  #refuse(feature: string): never {
    throw this.#refusal(feature);
  }

  #refusal(feature: string, options?: ErrorOptions): UnsupportedChart {
    return new UnsupportedChart(this.#machine.id, this.#where, feature, options);
  }
}

function historyTargets(node: AnyStateNode): readonly string[] {
  const target: unknown = Reflect.get(node.config, "target");
  return [target].flat().filter((one) => typeof one === "string");
}

interface BuiltIn {
  readonly type: string;
  readonly id?: unknown;
  readonly delay?: unknown;
  readonly to?: unknown;
  readonly src?: unknown;
  readonly systemId?: unknown;
  readonly syncSnapshot?: unknown;
}

function isBuiltIn(action: unknown): action is BuiltIn {
  return typeof action === "function" && typeof Reflect.get(action, "resolve") === "function";
}
