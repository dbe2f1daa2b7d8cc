import { z } from "zod";
import { showFile } from "../../actors/show-file.ts";
import { marksOf } from "../agents/hops.ts";
import type { Command } from "../command.ts";
import { asAgent, causeOf, eventId, idempotencyKey, roomId, speakerOf } from "../messages/speaker.ts";
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
  thread: eventId.exactOptional().describe("The first event of the thread that it belongs into."),
  agent: asAgent,
  key: idempotencyKey,
});

const output = z.object({
  event: z.string().describe("The id of the message that shows the file."),
  file: z.string().describe("The file's address."),
});

/** Shows a file in a room. Unlike a text it is not written down before: what fails can be asked for again. */
export const mediaSend: Command<typeof input, typeof output, "host" | "server" | "botUserId" | "sessions" | "talk"> = {
  name: "media.send",
  summary: "Sends a file into a room, as an agent or as the bot.",
  guidance: "To show a picture or hand over a file of at most 1 MB. To say something take `messages.send`.",
  scope: "messages:send",
  changes: true,
  input,
  output,
  async run({ room, name, type, base64: encoded, caption, thread, agent, key }, context, call) {
    const { userId, agent: speaking } = await speakerOf(agent, call, context);
    const marks = speaking === undefined ? {} : await marksOf(speaking, context);
    const client = context.sessions.as(userId).at("conversation");
    const shown = {
      name,
      contentType: type,
      bytes: Buffer.from(encoded, "base64"),
      kind: kindOf(type),
      marks,
      cause: causeOf(call, key),
      ...(caption !== undefined && { caption }),
      ...(thread !== undefined && { thread }),
    };
    call.progress?.(`uploading ${name}`);
    return showFile(client, room, shown, call.signal);
  },
};
