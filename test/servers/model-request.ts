import { z } from "zod";

/** One `[[name]]` or `[[name=value]]` in a user's message; a name that is given twice counts with its last value. */
export type Directives = ReadonlyMap<string, string>;

/** What the stand-in model makes of one chat completion request. */
export interface ModelRequest {
  readonly model: string;
  readonly stream: boolean;
  /** The last message a person wrote, without what Letta added to it. Empty when there is none. */
  readonly question: string;
  readonly directives: Directives;
  /** The last `[[nonce=…]]` of the question. */
  readonly nonce?: string;
  /** What stands behind `SECRET-WORD:` in the system prompt, where Letta puts the agent's memory. */
  readonly secretWord?: string;
  /** What was said in the conversation before the question, as far as the model was told, oldest first. */
  readonly past: readonly string[];
  /** Results of the tools that were called since the question, oldest first. */
  readonly toolResults: readonly string[];
  /** Names of the tools that the model may call. */
  readonly tools: readonly string[];
  /** How many requests with this nonce came before this one. */
  readonly earlier: number;
}

const textPart = z.looseObject({ type: z.string(), text: z.string().optional() });
const message = z.looseObject({
  role: z.string(),
  content: z.union([z.string(), z.array(textPart)]).nullish(),
});

export const chatRequestSchema = z.looseObject({
  model: z.string(),
  stream: z.boolean().optional(),
  messages: z.array(message).min(1),
  tools: z.array(z.looseObject({ function: z.looseObject({ name: z.string() }).optional() })).optional(),
});
export type ChatRequest = z.infer<typeof chatRequestSchema>;
type ChatMessage = z.infer<typeof message>;

export function readRequest(request: ChatRequest): Omit<ModelRequest, "earlier"> {
  const { messages } = request;
  const last = messages.findLastIndex((candidate) => candidate.role === "user" && personsText(candidate) !== "");
  const lastMessage = messages[last];
  const question = lastMessage === undefined ? "" : personsText(lastMessage);
  const directives = readDirectives(question);
  const nonce = directives.get("nonce");
  const secretWord = messages
    .filter(({ role }) => role === "system" || role === "developer")
    .map((system) => /SECRET-WORD:\s*([\p{L}\p{N}_-]+)/u.exec(texts(system).join("\n"))?.[1])
    .find((word) => word !== undefined);
  return {
    model: request.model,
    stream: request.stream ?? false,
    question,
    directives,
    ...(nonce === undefined ? {} : { nonce }),
    ...(secretWord === undefined ? {} : { secretWord }),
    past: messages
      .slice(0, Math.max(0, last))
      .filter(({ role }) => role === "user" || role === "assistant")
      .map(personsText),
    toolResults: messages
      .slice(last + 1)
      .filter(({ role }) => role === "tool")
      .map((result) => texts(result).join("\n")),
    tools: (request.tools ?? []).flatMap((tool) => tool.function?.name ?? []),
  };
}

const directive = /\[\[([a-z-]+)(?:=((?:(?!\]\]).)*))?\]\]/gs;

export function readDirectives(text: string): Directives {
  return new Map(Array.from(text.matchAll(directive), ([, name = "", value = ""]) => [name, value]));
}

export function withoutDirectives(text: string): string {
  return text.replaceAll(directive, "").replaceAll(/\s+/g, " ").trim();
}

/** Letta puts its own remarks into the user's message: as text parts of their own, or around the person's text. */
function personsText(message: ChatMessage): string {
  return texts(message)
    .map((text) => text.replaceAll(/<system-reminder>.*?<\/system-reminder>/gs, "").trim())
    .filter((text) => text !== "")
    .join("\n");
}

function texts({ content }: ChatMessage): string[] {
  if (content === null || content === undefined) return [];
  return typeof content === "string" ? [content] : content.flatMap((part) => part.text ?? []);
}
