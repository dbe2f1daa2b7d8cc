import { describe, expect, it } from "vitest";
import { answerTo, freshBody, saidBy } from "../answers.ts";
import { replacedBy } from "../room-event.ts";
import type { World } from "../world.ts";

/** 20 tokens a second for 10 seconds, of which the model's own words before the counted ones are some. */
const slow = "Count for me. [[words=185]] [[tps=20]]";

export function streaming(world: () => World): void {
  describe.each(["lifted", "default"] as const)("with %s message limits on the homeserver", (messageLimits) => {
    it("a second client sees the answer grow while the model still writes it", async () => {
      const agent = await world().agent(`Slow writer ${messageLimits}`, { messageLimits });
      const second = await world().annasSecondClient();
      try {
        const { questionId, nonce } = await world().ask(agent, slow);
        const { finals, drafts } = await answerTo(second, agent, questionId);
        const [call, ...moreCalls] = world().calls(nonce);
        expect(moreCalls).toEqual([]);
        const { firstTokenAt = 0, endedAt = 0 } = call ?? {};
        expect(endedAt - firstTokenAt).toBeGreaterThan(9_000);

        const early = drafts.filter(({ seenAt }) => seenAt < endedAt).map(freshBody);
        expect(early.length).toBeGreaterThanOrEqual(4);
        for (const [index, text] of early.slice(1).entries()) {
          expect(text.startsWith(early[index] ?? "")).toBe(true);
          expect(text.length).toBeGreaterThan(early[index]?.length ?? 0);
        }
        expect(finals).toHaveLength(1);
        expect(finals.map(replacedBy)).toEqual([drafts[0]?.eventId]);
        expect(saidBy(second, agent)).toMatchObject([{ eventId: drafts[0]?.eventId, msgtype: "m.text" }]);
        expect(saidBy(second, agent)[0]?.body).toMatch(/ w184 w185$/);
      } finally {
        await second.close();
      }
    });
  });
}
