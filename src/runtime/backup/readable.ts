import { cannotRead, StoreUnavailable } from "../embedded/store/unavailable.ts";
import { errorCode } from "../error-code.ts";

/** All rows. What LevelDB throws meanwhile is StoreUnavailable: it says what is wrong with the store, and not with whoever reads. */
export async function* readable<TRow>(rows: AsyncIterable<TRow>): AsyncGenerator<TRow> {
  try {
    yield* rows;
  } catch (error) {
    const code = errorCode(error) ?? "";
    if (/^LEVEL_\w+_NOT_OPEN$/.test(code))
      throw new StoreUnavailable(
        "closed",
        "the store was closed meanwhile",
        "Ask again when it is open: `letta-matrix status` says whether it is.",
        error,
      );
    throw code.startsWith("LEVEL_") ? cannotRead("the store", error) : error;
  }
}
