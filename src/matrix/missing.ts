import { MatrixError } from "./port.ts";

/** Nothing in the place of an answer only when the homeserver said that there is no such thing. */
export async function undefinedIfMissing<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof MatrixError && error.kind === "missing") return undefined;
    throw error;
  }
}
