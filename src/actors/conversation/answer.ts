import type { TurnEvent } from "../../letta/port.ts";
import { silence } from "../../machines/conversation/setup.ts";

/**
 * What an agent wants to have said, of all its text. A paragraph that is nothing but the word for silence is never
 * shown; as the last one it takes back what was said before it.
 */
export function spoken(text: string): string {
  const paragraphs = text.trim().split(/\n{2,}/);
  if (paragraphs.at(-1)?.trim() === silence) return silence;
  if (!text.includes(silence)) return text.trim();
  return paragraphs.filter((paragraph) => paragraph.trim() !== silence).join("\n\n");
}

/** An answer while it grows: one paragraph for each message of the turn. */
export class GrowingAnswer {
  readonly #messages = new Map<string, string>();
  #finished = false;

  /** True once the turn has ended as it should. */
  get finished(): boolean {
    return this.#finished;
  }

  take(event: TurnEvent): void {
    if (event.type === "text")
      this.#messages.set(event.messageId, (this.#messages.get(event.messageId) ?? "") + event.delta);
    if (event.type === "withdrawn") this.#messages.delete(event.messageId);
    if (event.type === "finished") this.#finished = true;
  }

  get text(): string {
    return [...this.#messages.values()]
      .map((text) => text.trim())
      .filter((text) => text !== "")
      .join("\n\n");
  }

  /** What of it may be shown already: not a last paragraph that may turn out to be the word for silence. */
  get showable(): string {
    const { text } = this;
    const lastBegin = text.lastIndexOf("\n\n") + 1;
    const last = text.slice(lastBegin).trim();
    const sure = silence.startsWith(last) ? text.slice(0, lastBegin).trim() : text;
    const shown = spoken(sure);
    return shown === silence ? "" : shown;
  }
}
