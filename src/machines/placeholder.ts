import { fromPromise } from "xstate";

/**
 * Names an effect and its types in a chart's `setup({ actors })`. What it does is in `actors/`, of the same name: a
 * chart itself has no I/O.
 */
export function effect<TOutput, TInput>() {
  return fromPromise<TOutput, TInput>(() => Promise.reject(new Error("this effect is carried out by the runtime")));
}
