import { open } from "node:fs/promises";
import { z } from "zod";
import { turnMarkOf } from "../../src/actors/marker.ts";
import { eventually } from "../e2e/eventually.ts";

const lines = z.array(
  z.looseObject({ event: z.looseObject({ content: z.record(z.string(), z.unknown()) }).optional() }),
);

/** Final answers by what they answer, as the stand-in homeserver's own log has them. */
export class Finals {
  readonly #file: string;
  readonly #counts = new Map<string, number>();
  #read = 0;
  #rest = "";

  constructor(journalFile: string) {
    this.#file = journalFile;
  }

  async counts(): Promise<ReadonlyMap<string, number>> {
    const file = await open(this.#file);
    try {
      for await (const chunk of file.createReadStream({ start: this.#read, encoding: "utf8" })) {
        this.#read += Buffer.byteLength(String(chunk));
        const whole = (this.#rest + String(chunk)).split("\n");
        this.#rest = whole.pop() ?? "";
        for (const line of whole) this.#take(line);
      }
    } finally {
      await file.close();
    }
    return this.#counts;
  }

  /** Resolves when each of them has a final answer. */
  async of(questions: readonly string[], withinMs: number): Promise<void> {
    await eventually(
      `${questions.length} finals`,
      async () => {
        const counts = await this.counts();
        return questions.every((id) => counts.has(id)) || undefined;
      },
      withinMs,
      500,
    );
  }

  #take(line: string): void {
    // Most lines are of something else, and there are hundreds of thousands.
    if (!line.includes("io.letta_matrix.turn")) return;
    for (const { event } of lines.parse(JSON.parse(line))) {
      const mark = event && turnMarkOf(event.content);
      if (mark?.final === true) this.#counts.set(mark.cause, (this.#counts.get(mark.cause) ?? 0) + 1);
    }
  }
}
