import { z } from "zod";
import { turnMarkOf } from "../src/actors/marker.ts";
import type { MatrixEvent } from "../src/matrix/port.ts";

/** What a client makes of the events that answer one question. */
export class Answer {
  readonly #question: string;
  readonly #sender: string;
  readonly #parts = new Map<number, string>();
  #outcome: "answer" | "error" | undefined;

  /** `sender` is the user of the agent that was asked. */
  constructor(question: string, sender: string) {
    this.#question = question;
    this.#sender = sender;
  }

  /** All of it that was sent up to now. */
  get text(): string {
    return [...this.#parts]
      .toSorted(([one], [other]) => one - other)
      .map(([, text]) => text)
      .join("\n\n");
  }

  /** Missing while more is to come. */
  get outcome(): "answer" | "error" | undefined {
    return this.#outcome;
  }

  /** Takes an event of the room's timeline; tells whether it has changed this answer. */
  take({ sender, content }: MatrixEvent): boolean {
    const mark = turnMarkOf(content);
    const message = shown.safeParse(content);
    if (sender !== this.#sender || mark?.cause !== this.#question || !message.success) return false;
    const { body, "m.new_content": replacement } = message.data;
    this.#parts.set(mark.part, replacement?.body ?? body);
    if (mark.final) this.#outcome = mark.outcome ?? "answer";
    return true;
  }
}

const shown = z.object({ body: z.string(), "m.new_content": z.object({ body: z.string() }).optional() });
