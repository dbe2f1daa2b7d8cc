import { refused } from "../embedded/store/unavailable.ts";
import { errorCode } from "../error-code.ts";

/** What `work` gives. Throws StoreUnavailable, with the reason, for what the system does not let it do; all else as it is. */
export async function orUnavailable<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Error) || errorCode(error) === undefined) throw error;
    throw refused(`${what}: ${error.message}`, error);
  }
}
