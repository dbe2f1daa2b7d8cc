import type { AskingAgent, Question } from "../../machines/question.ts";

/** The message as the agent reads it: who says it, where and when, and then what. */
export function envelope(question: Question, roomId: string): string {
  const { sender, sentAt, mentioned, inReplyTo, thread, text, from } = question;
  const lines = [
    `from: ${sender}`,
    ...(from === undefined ? [] : [`agent: ${agentLine(from)}`]),
    `room: ${roomId}`,
    `time: ${new Date(sentAt).toISOString()}`,
    ...(mentioned ? ["you are mentioned: yes"] : []),
    ...(thread === undefined ? [] : [`thread: ${thread}`]),
    ...(inReplyTo === undefined ? [] : [`in reply to: ${inReplyTo}`]),
  ];
  return `[Matrix message]\n${lines.join("\n")}\n\n${text}`;
}

/** Whoever names an agent chooses the text: nothing that could pass for another line. */
function agentLine({ agentId, name }: AskingAgent): string {
  const [id, called] = [agentId, name ?? ""].map((text) => text.replaceAll(/[\p{Cc}\u2028\u2029]/gu, " ").trim());
  return called === "" ? `${id}` : `${called} (${id})`;
}
