import { z } from "zod";

const durationUnits = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const;

/** A duration such as `500ms`, `30s`, `5m`, `1h`; parsed to milliseconds. */
export const duration = z
  .string("must be a number with a unit: ms, s, m or h")
  .regex(/^\d+(\.\d+)?(ms|s|m|h)$/, "must be a number with a unit: ms, s, m or h")
  .transform((text) => {
    const unit = /[a-z]+$/.exec(text)?.[0] as keyof typeof durationUnits;
    return Math.round(Number.parseFloat(text) * durationUnits[unit]);
  })
  .refine((ms) => ms > 0, "must be longer than nothing");

export const text = z.string("must be text").trim().min(1, "must not be empty");

/** The environment has no other than texts. */
export const flag = z.union([z.boolean(), z.enum(["true", "false"]).transform((said) => said === "true")], {
  error: "must be true or false",
});

/** Addresses are told to whoever waits for what is there, people in rooms included. */
export const url = (protocol: RegExp, allowed: string) =>
  z
    .url({ protocol, error: `must be ${allowed}` })
    .refine(
      (value) => isBare(value),
      "must not hold a user name, a password, a query or a fragment: addresses are no secrets",
    )
    .transform((value) => value.replace(/\/+$/, ""));

function isBare(address: string): boolean {
  if (!URL.canParse(address)) return true;
  const { username, password, search, hash } = new URL(address);
  return [username, password, search, hash].every((part) => part === "");
}

export const userId = z
  .string("must be text")
  .regex(/^@[^:\s]+:\S+$/, "must be a full Matrix user id")
  .max(255, "must be at most 255 characters");
