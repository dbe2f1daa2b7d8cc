import { openStore } from "../../../src/runtime/embedded/open.ts";
import { StoreUnavailable } from "../../../src/runtime/embedded/store/unavailable.ts";

// Opens the store in the folder that the first argument names, as the user that the second one names, and prints what
// came of it. A superuser is denied nothing.

const [folder = "", user = ""] = process.argv.slice(2);
if (user !== "") process.setuid?.(Number(user));
try {
  await (await openStore(folder, () => undefined)).close();
  process.stdout.write(JSON.stringify({ kind: "opened" }));
} catch (error) {
  if (!(error instanceof StoreUnavailable)) throw error;
  const { kind, message, remedy } = error;
  process.stdout.write(JSON.stringify({ kind, message, remedy }));
}
