import type { CrashReport } from "../crash.ts";
import type { CrashCount, Health } from "../host.ts";

/** Whether an actor takes what comes. */
export type Standing =
  | { readonly state: "running" }
  /** Between two incarnations, because somebody wants that. */
  | { readonly state: "renewing" }
  | { readonly state: "restarting"; readonly until: number; readonly crash: CrashReport }
  | { readonly state: "quarantined"; readonly crash: CrashReport };

/** `silence` is the report of an effect that was stuck and has given no sign of life since. */
export function healthOf(standing: Standing, crashes: CrashCount, silence: CrashReport | undefined): Health {
  if (standing.state === "restarting" || standing.state === "quarantined") return { ...standing, crashes };
  return silence === undefined ? { state: "running" } : { state: "silent", crash: silence, crashes };
}
