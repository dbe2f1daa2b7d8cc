import {
  type Actor,
  type ActorLogic,
  type AnyActorRef,
  type AnyMachineSnapshot,
  type AnyStateMachine,
  createActor,
  type Snapshot,
} from "xstate";
import type { ActorEvent } from "../../src/runtime/record.ts";
import type { Observed, Trace } from "./observed.ts";
import { emptyTrace } from "./observed.ts";
import { SimulatedClock } from "./simulated-clock.ts";

type ChildSnapshot = Snapshot<unknown> & { readonly input: unknown };

/** XState's own interpreter on simulated time, with children that end when the test says so. */
export class LiveActor {
  readonly #clock = new SimulatedClock(0);
  readonly #running = new Map<string, AnyActorRef>();
  readonly #actor: Actor<AnyStateMachine>;
  #trace: Trace = emptyTrace();

  constructor(machine: AnyStateMachine) {
    const provided = machine.provide({
      actors: { work: this.#child() },
      actions: { act: (_, params) => void this.#trace.actions.push(params) },
    });
    this.#actor = createActor(provided, {
      clock: {
        setTimeout: (run, delay) => this.#clock.schedule(delay, run),
        clearTimeout: (cancel) => (cancel as () => void)(),
      },
      inspect: (inspected) => {
        if (inspected.type !== "@xstate.event" || inspected.sourceRef !== this.#actor) return;
        if (inspected.actorRef === this.#actor) this.#trace.fired.push(inspected.event.type);
      },
    });
    // Without an observer, XState throws errors of the root actor into the process.
    this.#actor.subscribe({ error: () => undefined });
  }

  start(): void {
    this.#actor.start();
  }

  send(event: ActorEvent): void {
    this.#actor.send(event);
  }

  advance(duration: number): void {
    this.#clock.advance(duration);
  }

  finish(child: string, output: unknown): void {
    this.#running.get(child)?.send({ type: "$done", output });
  }

  fail(child: string, error: unknown): void {
    this.#running.get(child)?.send({ type: "$error", error });
  }

  /** What is to be seen now, and what happened since the last look. */
  observe(): Observed {
    const { value, context, status, output, historyValue }: AnyMachineSnapshot = this.#actor.getSnapshot();
    const trace = this.#trace;
    this.#trace = emptyTrace();
    return {
      value,
      context,
      status,
      output,
      history: Object.fromEntries(
        Object.entries(historyValue).map(([node, states]) => [node, states.map(({ id }) => id).sort()]),
      ),
      running: [...this.#running.keys()].sort(),
      trace,
    };
  }

  #child(): ActorLogic<ChildSnapshot, { type: string; output?: unknown; error?: unknown }, unknown> {
    const active = { output: undefined, error: undefined };
    return {
      getInitialSnapshot: (_, input) => ({ status: "active", ...active, input }),
      getPersistedSnapshot: (snapshot) => snapshot,
      start: ({ input }, { self }) => {
        this.#running.set(self.id, self);
        this.#trace.started.push({ child: self.id, input });
      },
      transition: (snapshot, event, { self }) => {
        const { input } = snapshot;
        if (event.type === "$done" || event.type === "$error" || event.type === "xstate.stop") {
          // A new child of the same id may have started: only this one has ended.
          if (this.#running.get(self.id) === self) this.#running.delete(self.id);
          if (event.type === "$done") return { status: "done", output: event.output, error: undefined, input };
          if (event.type === "$error") return { status: "error", output: undefined, error: event.error, input };
          this.#trace.stopped.push(self.id);
          return { status: "stopped", ...active, input };
        }
        this.#trace.received.push({ child: self.id, event: event.type });
        return snapshot;
      },
    };
  }
}
