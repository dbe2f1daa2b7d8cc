import { z } from "zod";

/** Whatever its sender wrote; kept as the very object, since a copy would lose keys like `__proto__`. */
const content = z.custom<Readonly<Record<string, unknown>>>(isObject);

export type Content = z.infer<typeof content>;

export const storedEvent = z.object({
  event_id: z.string(),
  room_id: z.string(),
  type: z.string(),
  sender: z.string(),
  content,
  origin_server_ts: z.number(),
  state_key: z.string().optional(),
  redacts: z.string().optional(),
});

export type StoredEvent = z.infer<typeof storedEvent>;

/** What can happen on a homeserver and is remembered. */
export const entry = z.discriminatedUnion("what", [
  z.object({
    what: z.literal("user"),
    userId: z.string(),
    password: z.string(),
    admin: z.boolean(),
    displayName: z.string().optional(),
  }),
  /** Ends all sessions, too, where `logOut`. */
  z.object({ what: z.literal("password"), userId: z.string(), password: z.string(), logOut: z.boolean() }),
  z.object({
    what: z.literal("session"),
    userId: z.string(),
    token: z.string(),
    /** Missing for what an administrator acts with. */
    deviceId: z.string().optional(),
  }),
  z.object({ what: z.literal("logout"), token: z.string() }),
  z.object({
    what: z.literal("profile"),
    userId: z.string(),
    field: z.enum(["displayname", "avatar_url"]),
    value: z.string(),
  }),
  z.object({ what: z.literal("exempt"), userId: z.string() }),
  z.object({ what: z.literal("registration token"), token: z.string() }),
  z.object({ what: z.literal("event"), event: storedEvent }),
  z.object({ what: z.literal("transaction"), name: z.string(), eventId: z.string() }),
  z.object({ what: z.literal("alias"), alias: z.string(), roomId: z.string(), creator: z.string() }),
  z.object({ what: z.literal("alias deleted"), alias: z.string() }),
  z.object({
    what: z.literal("receipt"),
    roomId: z.string(),
    userId: z.string(),
    eventId: z.string(),
    ts: z.number(),
  }),
  /** An application service: up to where events were looked at, and are its pusher's concern. */
  z.object({ what: z.literal("pushes handled"), service: z.string(), at: z.number() }),
  z.object({ what: z.literal("pushes stored"), service: z.string(), txnId: z.number(), ats: z.array(z.number()) }),
  z.object({ what: z.literal("pushes sent"), service: z.string(), txnId: z.number() }),
  z.object({ what: z.literal("pushes down"), service: z.string(), down: z.boolean() }),
  z.object({ what: z.literal("media"), id: z.string(), contentType: z.string(), base64: z.string() }),
]);

export type Entry = z.infer<typeof entry>;

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
