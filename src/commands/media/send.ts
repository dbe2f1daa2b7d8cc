import { z } from "zod";
import { addressOf } from "../../machines/addresses.ts";
import { marksOf } from "../agents/hops.ts";
import type { Command } from "../command.ts";
import { assertOwnKey, done, run } from "../messages/errand.ts";
import { idempotencyKey, named } from "../messages/naming.ts";
import { asAgent, eventId, roomId, speakerOf } from "../messages/speaker.ts";
import { largestFile } from "./get.ts";
import { kindOf, safeTypes } from "./kinds.ts";

const base64 = z
  .base64()
  .min(1)
  .max(Math.ceil(largestFile / 3) * 4);

const input = z.strictObject({
  room: roomId,
  name: z
    .string()
    .min(1)
    .max(255)
    .regex(/^[^/\\]+$/, "must be a file's name, without its folder")
    .refine((name) => !/\p{Cc}/u.test(name), "must have no control characters")
    .describe("The file's name."),
  type: z.enum(safeTypes).describe("What it is."),
  base64: base64.describe("The file itself, 1 MB at most."),
  caption: z.string().min(1).max(4_000).exactOptional().describe("What is said about it, as plain text."),
  thread: eventId.exactOptional().describe("The first event of its thread."),
  agent: asAgent,
  key: idempotencyKey,
});

const output = done.extend({
  event: z.string().exactOptional().describe("The id of the message that shows the file, once it is there."),
  file: z.string().describe("The file's address."),
});

/** What an outbox knows of files. */
const outbox = z.object({
  queue: z.array(z.object({ key: z.string(), what: z.object({ file: z.string().optional() }) })),
  done: z.array(z.object({ key: z.string(), file: z.string().optional() })),
});

/**
 * Shows a file in a room. The homeserver has it before it is written down that it is to be shown: whatever is killed in
 * between has shown nothing and promised nothing, and the same call makes up for it.
 */
export const mediaSend: Command<typeof input, typeof output, "host" | "server" | "botUserId" | "sessions" | "talk"> = {
  name: "media.send",
  summary: "Sends a file into a room, as an agent or as the bot, once and durably.",
  guidance: "To show a picture or hand over a file of at most 1 MB. To say something take `messages.send`.",
  scope: "messages:send",
  changes: true,
  input,
  output,
  async run({ room, name, type, base64: encoded, agent, key, ...place }, context, call) {
    const { host, server, sessions } = context;
    const { userId, agent: speaking } = await speakerOf(agent, call, context);
    const marks = speaking === undefined ? undefined : await marksOf(speaking, context);
    const given = { name, type, base64: encoded, ...place };
    const wish = { userId, roomId: room, ...named(call, key, { command: "media.send", given }) };
    assertOwnKey(wish, context);
    const known = () => fileOf(host.read(addressOf.outbox(server, userId, room))?.context, wish.key);
    const bytes = Buffer.from(encoded, "base64");
    call.progress?.(`uploading ${name}`);
    const media = { name, contentType: type, bytes };
    const file = known() ?? (await sessions.as(userId).at("conversation").upload(media, call.signal));
    const what = {
      kind: "file" as const,
      file,
      name,
      contentType: type,
      size: bytes.length,
      shownAs: kindOf(type),
      ...place,
      ...(marks !== undefined && { marks }),
    };
    const shown = await run({ ...wish, what }, context, call);
    const [event] = shown.events;
    return { ...shown, file: shownInstead(known) ?? file, ...(event !== undefined && { event }) };
  },
};

/** Of two calls under one key, one is shown. What was accepted is not told as failed where that cannot be read. */
function shownInstead(known: () => string | undefined): string | undefined {
  try {
    return known();
  } catch {
    return undefined;
  }
}

/** The file that is shown under this key. */
function fileOf(context: unknown, key: string): string | undefined {
  const { data } = outbox.safeParse(context);
  const waiting = data?.queue.find((one) => one.key === key)?.what.file;
  return waiting ?? data?.done.findLast((one) => one.key === key)?.file;
}
