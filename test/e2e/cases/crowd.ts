import { describe, expect, it } from "vitest";
import { readAnswer } from "../../servers/model-plan.ts";
import { answersTo, answerTo, expectOneAnswerEach, saidBy } from "../answers.ts";
import type { Asked, Resident, World } from "../world.ts";

const agents = 20;
const messages = 10;
const pictures = 3;

export function crowd(world: () => World): void {
  describe(`${agents} agents at once`, () => {
    const gathered = Promise.withResolvers<readonly Resident[]>();

    it(`${messages} messages to each: all answered in order, each by the right agent out of its own memory`, async () => {
      const talk = talkToEach();
      // Where this fails, nobody waits for it in vain.
      gathered.promise.catch(() => undefined);
      gathered.resolve(talk);
      await talk;
    });

    async function talkToEach(): Promise<readonly Resident[]> {
      const { anna } = world();
      const names = Array.from({ length: agents }, (_, index) => `Crowd ${index + 1}`);
      const residents = await Promise.all(names.map((name) => world().agent(name)));
      const asked = await Promise.all(
        residents.map(async (resident, index) => {
          const questions: Asked[] = [];
          for (let n = 0; n < messages; n++) {
            // Any spread from 0 to 2 s does, as long as it is the same in every run.
            const delay = ((index * 7 + n * 13) % 21) * 100;
            questions.push(await world().ask(resident, `Message ${n} [[delay=${delay}]]`));
          }
          return { resident, questions };
        }),
      );
      for (const { resident, questions } of asked) {
        const ids = questions.map(({ questionId }) => questionId);
        await answersTo(anna, resident, ids);
        expectOneAnswerEach(anna, resident, ids);
        const said = saidBy(anna, resident).map(({ body }) => readAnswer(body));
        expect(said).toEqual(questions.map(({ nonce }) => ({ nonce, secretWord: resident.secretWord })));
        for (const { nonce } of questions) expect(world().calls(nonce)).toHaveLength(1);
      }
      return residents;
    }

    it(`#9 ${agents * pictures} answers sent at the same moment are ${agents * pictures} events`, async () => {
      const { anna } = world();
      const residents = await gathered.promise;
      const picture = { msgtype: "m.image", body: "cat.png", url: "mxc://localhost/cat" };
      const asked = await Promise.all(
        residents.map(async (resident) => {
          const send = () => anna.send(resident.roomId, picture);
          return { resident, ids: await Promise.all(Array.from({ length: pictures }, send)) };
        }),
      );
      const events = new Set<string>();
      for (const { resident, ids } of asked) {
        for (const id of ids)
          for (const { eventId } of (await answerTo(anna, resident, id)).finals) events.add(eventId);
      }
      expect(events.size).toBe(agents * pictures);
    });
  });
}
