import type { Question } from "../../machines/question.ts";

/** The message as the agent reads it: who says it, where and when, and then what. */
export function envelope(question: Question, roomId: string): string {
  const { sender, sentAt, mentioned, inReplyTo, thread, text } = question;
  const lines = [
    `from: ${sender}`,
    `room: ${roomId}`,
    `time: ${new Date(sentAt).toISOString()}`,
    ...(mentioned ? ["you are mentioned: yes"] : []),
    ...(thread === undefined ? [] : [`thread: ${thread}`]),
    ...(inReplyTo === undefined ? [] : [`in reply to: ${inReplyTo}`]),
  ];
  return `[Matrix message]\n${lines.join("\n")}\n\n${text}`;
}
