import type { MatrixEvent } from "../../matrix/port.ts";
import { isLastWord } from "../last-word.ts";
import { turnMarkOf } from "../marker.ts";
import { pastOf } from "../room-past.ts";
import type { Sessions } from "../sessions.ts";

/** Pages that are read at most, of 100 messages each. */
const mostPages = 5;

/** What an agent lately answered in a room, as the room has it: that outlives the process, and our records of a turn do not. */
export class RecentFinals {
  readonly #sessions: Pick<Sessions, "as">;

  constructor(sessions: Pick<Sessions, "as">) {
    this.#sessions = sessions;
  }

  /** The answers that were sent since then, in one piece each. Rejects with a MatrixError while that cannot be known. */
  async of(userId: string, roomId: string, since: number, signal: AbortSignal): Promise<readonly string[]> {
    const client = this.#sessions.as(userId).at("conversation");
    const parts = new Map<string, Map<number, string>>();
    try {
      for await (const chunk of pastOf(client, roomId, mostPages, signal)) {
        for (const event of chunk) if (event.sender === userId && event.originServerTs >= since) take(event, parts);
        if (chunk.some(({ originServerTs }) => originServerTs < since)) break;
      }
    } catch (error) {
      // A room that the agent is not in any more has no answer of it to be seen.
      if (!isLastWord(error)) throw error;
    }
    return [...parts.values()].map((texts) =>
      [...texts]
        .sort(([one], [other]) => one - other)
        .map(([, text]) => text)
        .join("\n"),
    );
  }
}

function take({ content }: MatrixEvent, parts: Map<string, Map<number, string>>): void {
  const mark = turnMarkOf(content);
  if (mark?.outcome !== "answer") return;
  const fresh: unknown = Reflect.get(Object(content["m.new_content"]), "body") ?? content["body"];
  if (typeof fresh !== "string") return;
  const answer = `${mark.cause} ${mark.retry ?? ""} ${mark.attempt}`;
  const texts = parts.get(answer) ?? new Map<number, string>();
  parts.set(answer, texts.set(mark.part, fresh));
}
