import { Fault } from "./fault.ts";

/** Throws unless this can stand in an event. */
export function assertMatrixJson(value: unknown): void {
  if (typeof value === "number" && !Number.isSafeInteger(value))
    throw new Fault(400, "M_BAD_JSON", "JSON integer out of range, or a float");
  if (typeof value === "object" && value !== null) Object.values(value).forEach(assertMatrixJson);
}
