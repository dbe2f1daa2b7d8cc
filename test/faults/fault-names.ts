/** Everything that goes wrong between the product and a server, in the order in which the table shows it. */
export const faultNames = [
  "429 with retry time",
  "429 without retry time",
  "500 with HTML",
  "502 with HTML",
  "403",
  "401",
  "401 with soft logout",
  "time-out before it is stored",
  "time-out after it is stored",
  "stall after the headers",
  "cut in the body",
  "truncated JSON",
  "slow loris",
  "refused for minutes",
  "duplicate events",
  "reordered events",
  "next_batch that repeats",
  "transaction again under another name",
] as const;

export type FaultName = (typeof faultNames)[number];
