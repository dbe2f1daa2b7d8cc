import { actorId } from "../../src/runtime/actor-id.ts";
import type { EffectContext } from "../../src/runtime/effect.ts";
import type { ActorEvent } from "../../src/runtime/record.ts";

export interface TestContext<TEvent> extends EffectContext<TEvent> {
  readonly emitted: TEvent[];
  readonly checkpoints: unknown[];
  readonly beats: { readonly count: number };
  /** The chart sends the effect an event. */
  deliver(event: ActorEvent): void;
  abort(): void;
}

/** What an effect is given by the runtime, noted. */
export function effectContext<TEvent>(
  given: Partial<Pick<EffectContext<TEvent>, "restarted" | "checkpointed">> = {},
): TestContext<TEvent> {
  const controller = new AbortController();
  const emitted: TEvent[] = [];
  const checkpoints: unknown[] = [];
  const beats = { count: 0 };
  const received: ActorEvent[] = [];
  let listener: ((event: ActorEvent) => void) | undefined;
  return {
    self: actorId("test", "tested", "1"),
    signal: controller.signal,
    restarted: given.restarted ?? false,
    checkpointed: given.checkpointed,
    beat() {
      beats.count++;
    },
    async checkpoint(value) {
      controller.signal.throwIfAborted();
      checkpoints.push(value);
    },
    async emit(event) {
      controller.signal.throwIfAborted();
      emitted.push(event);
    },
    receive(next) {
      listener = next;
      received.forEach(next);
    },
    emitted,
    beats,
    checkpoints,
    deliver(event) {
      received.push(event);
      listener?.(event);
    },
    abort: () => controller.abort(new DOMException("the chart has left the state", "AbortError")),
  };
}
