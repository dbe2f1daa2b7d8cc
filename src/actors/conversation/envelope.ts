import type { AskingAgent, Question, Returned } from "../../machines/question.ts";

/** The message as the agent reads it: who says it, where and when, and then what. */
export function envelope(question: Question, roomId: string): string {
  const { sender, sentAt, mentioned, inReplyTo, thread, text, from, returned } = question;
  if (returned !== undefined) return returnedEnvelope(question, returned, roomId);
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

/** What another agent has answered comes from elsewhere; whoever reads what is said now is not that agent. */
function returnedEnvelope(
  { sender, sentAt, thread, text, from }: Question,
  { userId, outcome }: Returned,
  roomId: string,
): string {
  const lines = [
    `from: ${userId}`,
    ...(from === undefined ? [] : [`agent: ${agentLine(from)}`]),
    `in answer to: what you have asked this agent, for ${sender}`,
    ...(outcome === "error" ? ["outcome: error"] : []),
    `time: ${new Date(sentAt).toISOString()}`,
    `your words go to: ${sender} in ${roomId}, not to that agent`,
    ...(thread === undefined ? [] : [`thread: ${thread}`]),
  ];
  const said = outcome === "silence" ? "(It has read what you asked, and does not want to answer.)" : text;
  return `[Matrix message]\n${lines.join("\n")}\n\n${said}`;
}

/** Whoever names an agent chooses the text: nothing that could pass for another line. */
function agentLine({ agentId, name }: AskingAgent): string {
  const [id, called] = [agentId, name ?? ""].map((text) => text.replaceAll(/[\p{Cc}\u2028\u2029]/gu, " ").trim());
  return called === "" ? `${id}` : `${called} (${id})`;
}
