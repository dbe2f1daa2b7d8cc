import { z } from "zod";
import { boundarySchema } from "./boundaries.ts";

/** What the driver and its victim, a process that runs the product, say to each other. */

/** Where the victim is to stop, and how. */
const arm = z.object({
  id: z.number(),
  boundary: boundarySchema,
  /** The how-manieth passing of the boundary, from 1 on. */
  occurrence: z.number(),
  /** `die`: SIGKILL to itself. `hold`: stands still, all of it, until the driver lets it go on. */
  action: z.enum(["die", "hold"]),
});
export type Arm = z.infer<typeof arm>;

const settings = z.object({
  dataFolder: z.string(),
  homeserver: z.object({
    url: z.string(),
    serverName: z.string(),
    sharedSecret: z.string(),
    /** Where it pushes to, if it does. */
    appservice: z.object({ id: z.string(), asToken: z.string(), hsToken: z.string(), listen: z.string() }).optional(),
  }),
  letta: z.object({
    url: z.string(),
    /** How long to wait for a receipt that it keeps to itself, ms. */
    receiptWithinMs: z.number(),
  }),
  /** What becomes of a call of the tool that leaves a trace. */
  tools: z.enum(["allowed", "asked"]),
  /** User ids. */
  people: z.array(z.string()),
  /** Milliseconds since 1970 from which on the victim's time runs faster. The same over all its restarts. */
  epoch: z.number(),
  /** How many times faster, so that backoffs of a minute do not take one. */
  haste: z.number(),
  /** Before each write to the store, ms. */
  slowCommits: z.number(),
});
export type VictimSettings = z.infer<typeof settings>;

export const order = z.discriminatedUnion("type", [
  z.object({ type: z.literal("arm"), arm: arm.nullable() }),
  z.object({ type: z.literal("start"), settings }),
  /** Lists Letta's agents now. */
  z.object({ type: z.literal("look") }),
  z.object({ type: z.literal("stop") }),
]);
export type Order = z.infer<typeof order>;

/** A message is named by its event id or by the nonce in its text, whichever is known at that place; a user by its id. */
const subject = z.object({
  eventId: z.string().optional(),
  nonce: z.string().optional(),
  userId: z.string().optional(),
});
export type Subject = z.infer<typeof subject>;

export const report = z.discriminatedUnion("type", [
  /** Everything is loaded; a start takes only what the product itself takes. */
  z.object({ type: z.literal("loaded") }),
  z.object({ type: z.literal("up") }),
  z.object({ type: z.literal("armed"), id: z.number() }),
  z.object({ type: z.literal("disarmed") }),
  z.object({ type: z.literal("passed"), boundary: boundarySchema, subject, at: z.number() }),
  z.object({ type: z.literal("hit"), id: z.number(), boundary: boundarySchema, subject, at: z.number() }),
  /** An input is sent to Letta under this id, or a running one is followed. */
  z.object({ type: z.literal("turn"), how: z.enum(["ask", "follow"]), otid: z.string(), subject, at: z.number() }),
  /** How watching it failed. */
  z.object({ type: z.literal("failed"), otid: z.string(), reason: z.string(), at: z.number() }),
  /** Letta has accepted an input under this id. */
  z.object({ type: z.literal("accepted"), otid: z.string(), subject, at: z.number() }),
  /** What Letta's history said about an input that may have been sent before. */
  z.object({ type: z.literal("fate"), otid: z.string(), state: z.string(), at: z.number() }),
  /** A tool call is about to be approved, and that is about to be written down. */
  z.object({ type: z.literal("approved"), subject, at: z.number() }),
  /** The room has been asked whether a tool may be called. */
  z.object({ type: z.literal("request"), roomId: z.string(), eventId: z.string(), subject }),
  /** The rooms whose conversations have something to do. */
  z.object({ type: z.literal("busy"), rooms: z.array(z.string()) }),
]);
export type Report = z.infer<typeof report>;
