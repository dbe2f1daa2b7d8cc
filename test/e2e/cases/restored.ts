import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { readAnswer } from "../../servers/model-plan.ts";
import { answerTo, draftOf, expectOneAnswerEach, saidBy } from "../answers.ts";
import { eventually } from "../eventually.ts";
import type { Asked, Resident, World } from "../world.ts";

/** How long a question may take that was being answered when the program was killed, ms. */
const patience = 120_000;

/**
 * What is known is lost, and comes back out of a backup that is older than what people see. `meanwhile` happens while
 * nothing runs.
 */
export function restores(world: () => World, meanwhile: (world: World) => Promise<void> = async () => undefined): void {
  it("an older backup that is restored answers nothing twice, loses nothing, and takes no name for something else", async () => {
    const { anna, app, dir } = world();
    const file = join(dir, "backup");
    const first = await world().agent("Restored first");
    const second = await world().agent("Restored second");
    const asked = new Map<Resident, Asked[]>([
      [first, []],
      [second, []],
    ]);
    const note = (agent: Resident, question: Asked): Asked => {
      asked.set(agent, [...(asked.get(agent) ?? []), question]);
      return question;
    };
    const ask = async (agent: Resident, text: string) => note(agent, await world().ask(agent, text));
    const isAnswered = (agent: Resident, { questionId }: Asked) => answerTo(anna, agent, questionId, patience);

    await isAnswered(first, await ask(first, "Are you there?"));
    const inFlight = await world().askForLong(first, "A long one.");
    note(first, inFlight);
    await draftOf(anna, first, inFlight.questionId);
    const queued = await ask(first, "And another.");
    const asksSecond = await ask(second, "And you? [[delay=2000]]");
    await eventually("the second agent to be asked", async () => world().calls(asksSecond.nonce)[0]);

    const backup = await app.command("backup", file);
    expect(backup, backup.err).toMatchObject({
      code: 0,
      out: expect.stringContaining("keep it as you keep passwords"),
    });

    // All of this happens after the backup: it knows nothing of it.
    inFlight.end();
    await isAnswered(first, queued);
    await isAnswered(second, asksSecond);
    for (const text of ["One.", "Two."])
      for (const agent of [first, second]) await isAnswered(agent, await ask(agent, text));
    const silent = await world().ask(first, "Say nothing. [[say=<no-reply/>]]");
    await isAnswered(first, await ask(first, "Three."));
    const third = await world().agent("Made after the backup");
    asked.set(third, []);
    await isAnswered(third, await ask(third, "Welcome."));
    const cutOff = await world().askForLong(second, "Another long one.");
    note(second, cutOff);
    await draftOf(anna, second, cutOff.questionId);
    const behind = await ask(second, "Are you still there?");
    await app.kill();
    const whileDown = await ask(first, "Is anybody there?");
    const askedBefore = callsOf(world(), asked);

    await rm(join(dir, "app", "data"), { recursive: true });
    cutOff.end();
    await meanwhile(world());
    const restored = await app.command("restore", file);
    expect(restored, restored.err).toMatchObject({ code: 0 });
    await app.start();
    for (const question of [cutOff, behind]) await isAnswered(second, question);
    await isAnswered(first, whileDown);
    for (const agent of asked.keys()) await isAnswered(agent, await ask(agent, "Something new."));

    const expectAll = (): void => {
      for (const [agent, questions] of asked) {
        const answered = questions.map(({ questionId }) => questionId);
        expectOneAnswerEach(anna, agent, answered);
        expect(saidBy(anna, agent).filter(({ mark }) => mark?.final === false)).toEqual([]);
        // An answer under a name that had been used before would not be there: the homeserver has that name's event.
        expect(noncesIn(world(), agent)).toEqual(questions.map(({ nonce }) => nonce));
      }
      // Letta is asked what it was not asked before; what it was asked then, only where a kill cut that off.
      for (const [nonce, calls] of callsOf(world(), asked)) {
        const before = askedBefore.get(nonce) ?? 0;
        expect(calls, nonce).toBe(before === 0 || nonce === cutOff.nonce ? before + 1 : before);
      }
      expect(world().calls(silent.nonce)).toHaveLength(1);
    };
    expectAll();
    const inspected = await app.command("inspect", "--json");
    expect(JSON.parse(inspected.out)).toMatchObject({ store: { epoch: 1 }, damage: [] });

    // The same backup once more, with yet more that it does not know of.
    await app.kill();
    await meanwhile(world());
    const again = await app.command("restore", "--replace", file);
    expect(again, again.err).toMatchObject({ code: 0, out: expect.stringContaining("before-restore-") });
    await app.start();
    for (const agent of asked.keys()) await isAnswered(agent, await ask(agent, "Something newer."));
    expectAll();
    expect((await readdir(join(dir, "app", "data"))).some((name) => name.startsWith("store.before-restore-"))).toBe(
      true,
    );
  });
}

/** How often the model was asked each question. */
function callsOf(world: World, asked: ReadonlyMap<Resident, readonly Asked[]>): Map<string, number> {
  const nonces = [...asked.values()].flat().map(({ nonce }) => nonce);
  return new Map(nonces.map((nonce) => [nonce, world.calls(nonce).length]));
}

/** Of the questions that the agent's answers name, in the order of the answers. */
function noncesIn({ anna }: World, { roomId, userId }: Resident): (string | undefined)[] {
  return anna
    .events(roomId)
    .filter(({ sender, content }) => sender === userId && Object(content["io.letta_matrix.turn"]).final === true)
    .map(({ content }) => readAnswer(String(Object(content["m.new_content"] ?? content).body)).nonce);
}
