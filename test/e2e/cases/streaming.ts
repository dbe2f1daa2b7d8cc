import { describe, expect, it } from "vitest";
import type { TransportKind } from "../../servers/transports.ts";
import { answerTo, draftsOf, freshBody, saidBy } from "../answers.ts";
import { replacedBy } from "../room-event.ts";
import type { World } from "../world.ts";

export function streaming(world: () => World, transport: TransportKind): void {
  // What an application service sends is not limited.
  const limits = transport === "appservice" ? (["lifted"] as const) : (["lifted", "default"] as const);
  describe.each(limits)("with %s message limits on the homeserver", (messageLimits) => {
    it("a second client sees the answer grow while the model still writes it", async () => {
      const agent = await world().agent(`Slow writer ${messageLimits}`, { messageLimits });
      const second = await world().annasSecondClient();
      try {
        const { questionId, nonce, end } = await world().askForLong(agent, "Write.");
        const drafts = await draftsOf(second, agent, questionId, 4);
        expect(
          world()
            .calls(nonce)
            .map(({ outcome }) => outcome),
        ).toEqual([undefined]);
        const early = drafts.map(freshBody);
        end();
        const { finals } = await answerTo(second, agent, questionId);

        for (const [index, text] of early.slice(1).entries()) {
          expect(text.startsWith(early[index] ?? "")).toBe(true);
          expect(text.length).toBeGreaterThan(early[index]?.length ?? 0);
        }
        expect(finals).toHaveLength(1);
        expect(finals.map(replacedBy)).toEqual([drafts[0]?.eventId]);
        expect(saidBy(second, agent)).toMatchObject([{ eventId: drafts[0]?.eventId, msgtype: "m.text" }]);
        expect(saidBy(second, agent)[0]?.body).toMatch(/ The end\.$/);
        expect(world().calls(nonce)).toHaveLength(1);
      } finally {
        await second.close();
      }
    });
  });
}
