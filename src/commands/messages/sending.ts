import { z } from "zod";
import { marksOf } from "../agents/hops.ts";
import type { Command, CommandContext } from "../command.ts";
import { answers, sayAndWait, waitForAnswers } from "./answers.ts";
import { done, run } from "./errand.ts";
import { idempotencyKey, named } from "./naming.ts";
import { asAgent, eventId, fullUserId, roomId, type Speaker, speakerOf } from "./speaker.ts";
import { assertThere, assertWritten } from "./written.ts";

type Needs = "host" | "server" | "botUserId" | "talk";

const text = z.string().min(1).max(200_000).describe("The text, in Markdown. A long one becomes several messages.");
const common = { room: roomId, agent: asAgent, key: idempotencyKey };

const message = z.strictObject({
  ...common,
  wait: waitForAnswers,
  text,
  mentions: z
    .array(fullUserId)
    .max(50)
    .exactOptional()
    .describe("User ids of those whom it is for: agents hear only what mentions them outside their own rooms."),
  thread: eventId.exactOptional().describe("The first event of its thread."),
});

const sent = done.extend({ answers });

/** Says something in a room. */
export const messagesSend: Command<typeof message, typeof sent, Needs | "clock" | "answers" | "waits" | "sessions"> = {
  name: "messages.send",
  summary: "Says something in a room, as an agent or as the bot, once and durably.",
  guidance:
    "To write into a room. To ask another agent something take `agents.message`; to answer one message take `messages.reply`.",
  scope: "messages:send",
  changes: true,
  input: message,
  output: sent,
  async run({ room, agent, key, wait, ...said }, context, call) {
    const speaker = await speakerOf(agent, call, context);
    const { userId } = speaker;
    const say = async () => {
      const what = { kind: "message" as const, ...said, ...(await marksFor(speaker, context)) };
      const name = named(call, key, { command: "messages.send", given: said });
      return run({ userId, roomId: room, ...name, what }, context, call);
    };
    if (wait === 0) return say();
    const { mentions = [] } = said;
    const saying = { room, mentions, speaker, wait, isRepeatable: key !== undefined };
    return sayAndWait(saying, say, context, call);
  },
};

/** Agents hear who else says something, so that none goes on for ever. */
async function marksFor({ agent }: Omit<Speaker, "userId">, place: Pick<CommandContext, "server" | "host" | "talk">) {
  return agent === undefined ? {} : { marks: await marksOf(agent, place) };
}

const answer = z.strictObject({ ...common, event: eventId, text, thread: message.shape.thread });

/** Answers one message. */
export const messagesReply: Command<typeof answer, typeof done, Needs | "sessions"> = {
  name: "messages.reply",
  summary: "Answers one message, so that everybody sees which.",
  guidance: "To answer a certain message. To write without answering one take `messages.send`.",
  scope: "messages:send",
  changes: true,
  input: answer,
  output: done,
  async run({ room, agent, key, event, ...said }, context, call) {
    const { userId, ...speaker } = await speakerOf(agent, call, context);
    const what = { kind: "message" as const, ...said, inReplyTo: event, ...(await marksFor(speaker, context)) };
    const name = named(call, key, { command: "messages.reply", given: { event, ...said } });
    const wish = { userId, roomId: room, ...name, what };
    await assertThere(event, wish, context, call);
    return run(wish, context, call);
  },
};

const reaction = z.strictObject({
  ...common,
  event: eventId,
  sign: z.string().min(1).max(64).describe("The sign, mostly one emoji."),
});

/** Puts a sign on a message. */
export const messagesReact: Command<typeof reaction, typeof done, Needs | "sessions"> = {
  name: "messages.react",
  summary: "Puts a sign, such as an emoji, on a message.",
  guidance: "To acknowledge a message without a word. To answer it take `messages.reply`.",
  scope: "messages:send",
  changes: true,
  input: reaction,
  output: done,
  async run({ room, agent, key, event, sign }, context, call) {
    const { userId } = await speakerOf(agent, call, context);
    const what = { kind: "reaction" as const, event, sign };
    const name = named(call, key, { command: "messages.react", given: { event, sign } });
    const wish = { userId, roomId: room, ...name, what };
    await assertThere(event, wish, context, call);
    return run(wish, context, call);
  },
};

const edit = z.strictObject({ ...common, event: eventId, text });

/** Puts another text in the place of a message of one's own. */
export const messagesEdit: Command<typeof edit, typeof done, Needs | "sessions"> = {
  name: "messages.edit",
  summary: "Puts another text in the place of a message that the same user has written.",
  guidance:
    "To correct what was said. What somebody else has written cannot be edited. To take one away take `messages.redact`.",
  scope: "messages:send",
  changes: true,
  input: edit,
  output: done,
  async run({ room, agent, key, event, text: fresh }, context, call) {
    const { userId } = await speakerOf(agent, call, context);
    const what = { kind: "edit" as const, event, text: fresh };
    const name = named(call, key, { command: "messages.edit", given: { event, text: fresh } });
    const wish = { userId, roomId: room, ...name, what };
    await assertWritten(event, wish, context, call);
    return run(wish, context, call);
  },
};

const redaction = z.strictObject({ ...common, event: eventId });

/** Takes a message's content away. */
export const messagesRedact: Command<typeof redaction, typeof done, Needs | "sessions"> = {
  name: "messages.redact",
  summary: "Takes a message's content away for everybody.",
  guidance: "To take back what was said, for good. To correct it take `messages.edit`.",
  scope: "messages:send",
  changes: true,
  input: redaction,
  output: done,
  async run({ room, agent, key, event }, context, call) {
    const { userId } = await speakerOf(agent, call, context);
    const name = named(call, key, { command: "messages.redact", given: { event } });
    const wish = { userId, roomId: room, ...name, what: { kind: "redaction" as const, event } };
    await assertThere(event, wish, context, call);
    return run(wish, context, call);
  },
};
