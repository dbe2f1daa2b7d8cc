import { killed } from "./killed.ts";

// A few kills every time. What is killed with a real Letta otherwise is in outages.real.test.ts; `npm run test:crash`
// has many more, with a faster one.
killed([
  ["letta-matrix", ["committed", "first-token", "sent"]],
  ["letta", ["asked", "mid-stream"]],
  ["all", ["sending"]],
]);
