import { expect, it } from "vitest";
import { answerTo, freshBody, saidBy } from "../answers.ts";
import { messageOf } from "../room-event.ts";
import type { World } from "../world.ts";

/** What an event may have, in bytes, with everything the homeserver adds. */
const largestEvent = 65_536;

const plainLine = (index: number): string => `line ${index} of a long answer, nothing but words until its end`;
const richLine = (index: number): string =>
  `- **item ${index}**: \`code <${index}>\` & [a link](https://example.org/${index}) 🐈‍⬛ "quoted" \\ back`;

export function longAnswers(world: () => World): void {
  it.each([
    ["plain", plainLine, 4_000],
    ["full of markup and emoji", richLine, 1_500],
  ])(
    "an answer over the size limit that is %s arrives in parts, whole, in order, and rings once",
    async (title, line, lines) => {
      const { anna } = world();
      const agent = await world().agent(`Long and ${title}`);
      const text = Array.from({ length: lines }, (_, index) => line(index)).join("\n");
      const nonce = world().nonce();
      // In large pieces: Letta takes a millisecond or more for each, whatever its size.
      const tokens = text.match(/.{1,4000}/gsu) ?? [];
      world().plan(nonce, { tokens, tokensPerSecond: 40 });
      const questionId = await anna.say(agent.roomId, `Write a lot. [[nonce=${nonce}]]`);
      const { finals } = await answerTo(anna, agent, questionId);

      expect(finals.length).toBeGreaterThan(1);
      const parts = saidBy(anna, agent);
      expect(parts.map(({ mark }) => mark)).toMatchObject(
        finals.map((_, index) => ({ part: index + 1, parts: finals.length, final: index + 1 === finals.length })),
      );
      expect(finals.map(freshBody).join("\n").split(/\s+/)).toEqual(text.split(/\s+/));
      expect(finals.flatMap((final) => messageOf(final)?.["m.mentions"]?.user_ids ?? [])).toEqual([anna.userId]);
      for (const final of finals) expect(Buffer.byteLength(JSON.stringify(final))).toBeLessThan(largestEvent);
      const after = await world().ask(agent, "Thank you.");
      await answerTo(anna, agent, after.questionId);
      expect(world().calls(nonce)).toHaveLength(1);
      expect(saidBy(anna, agent)).toHaveLength(finals.length + 1);
    },
  );
}
