import { Random } from "./random.ts";
import { Town } from "./town.ts";

// Plays the town with each seed given, and prints what was violated: for runs on a patched copy of the runtime.
const violations = [];
for (const seed of process.argv.slice(2)) {
  const town = new Town(new Random(Number(seed)));
  await town.run(12);
  violations.push(...town.violations.map((violation) => ({ ...violation, seed })));
}
console.log(JSON.stringify(violations));
