import fc from "fast-check";
import { expect, test } from "vitest";
import { type Bucket, Buckets } from "../../../src/matrix/pacing/buckets.ts";
import { MatrixError, type Urgency } from "../../../src/matrix/port.ts";
import { matrixError } from "../../ports/fake-homeserver.ts";
import { SimulatedClock, settled } from "../../runtime/simulated-clock.ts";
import { work } from "./work.ts";

const never = new AbortController().signal;

function world() {
  const clock = new SimulatedClock();
  const buckets = new Buckets(clock);
  let asked = 0;
  /** Asks, and gives what came of it: the time to wait where it was held back. */
  const ask = async (bucket: Bucket, refusedFor?: number) => {
    try {
      await buckets.through(bucket, "housekeeping", never, async () => {
        asked += 1;
        if (refusedFor !== undefined) throw matrixError("limited", refusedFor);
      });
      return "let through";
    } catch (error) {
      return error instanceof MatrixError && error.kind === "limited" ? error.retryAfterMs : error;
    }
  };
  return { clock, buckets, ask, asked: () => asked };
}

test("a 429 pauses the bucket it came from for as long as the homeserver has asked, and no other", async () => {
  const { clock, ask, asked } = world();
  expect(await ask({ name: "sending as @a" }, 5_000)).toBe(5_000);
  clock.advance(2_000);
  expect(await ask({ name: "sending as @a" })).toBe(3_000);
  expect(asked()).toBe(1);
  expect(await ask({ name: "sending as @b" })).toBe("let through");
  expect(await ask({ name: "joining rooms as @a" })).toBe("let through");
  clock.advance(3_000);
  expect(await ask({ name: "sending as @a" })).toBe("let through");
});

test("who is held back is told what the one who asked was told, and what to do", async () => {
  const { buckets, ask } = world();
  await ask({ name: "inviting @anna" }, 5_000);
  await expect(
    buckets.through({ name: "inviting @anna" }, "answer", never, async () => undefined),
  ).rejects.toMatchObject({
    kind: "limited",
    message: "inviting @anna has to wait, as the homeserver has asked",
    remedy: matrixError("limited").remedy,
    cause: { message: matrixError("limited").message },
  });
});

test("after a pause one asks for all, the most urgent first, and what it is told holds for the others", async () => {
  const { clock, buckets, ask } = world();
  await ask({ name: "sending as @a" }, 1_000);
  clock.advance(1_000);
  const begun: Urgency[] = [];
  const enter = (urgency: Urgency) => {
    const one = work();
    const done = buckets.through({ name: "sending as @a" }, urgency, never, () => {
      begun.push(urgency);
      return one.run();
    });
    done.catch(() => undefined);
    return { ...one, done };
  };
  const draft = enter("conversation");
  await settled();
  const chore = enter("housekeeping");
  const final = enter("answer");
  await settled();
  expect(begun).toEqual(["conversation"]);
  await draft.succeed();
  expect(begun).toEqual(["conversation", "answer"]);
  await final.fail(matrixError("limited", 7_000));
  await expect(chore.done).rejects.toMatchObject({ kind: "limited", retryAfterMs: 7_000 });
  expect(begun).toEqual(["conversation", "answer"]);
});

test("what was under way before a refusal does not take it back", async () => {
  const { buckets, ask } = world();
  const slow = work();
  const done = buckets.through({ name: "sending as @a" }, "answer", never, slow.run);
  await ask({ name: "sending as @a" }, 5_000);
  await slow.succeed();
  await done;
  expect(await ask({ name: "sending as @a" })).toBe(5_000);
});

test("an account that may not log in keeps nobody else out, an address that may not does", async () => {
  const { clock, ask, asked } = world();
  const login = (user: string): Bucket => ({ name: `logging in ${user}`, within: "logging in users" });
  expect(await ask(login("@locked"), 9_000)).toBe(9_000);
  expect(await ask(login("@locked"))).toBe(9_000);
  expect(await ask(login("@well"))).toBe("let through");
  // Again and again the same one: nothing is wrong with the address.
  for (let n = 0; n < 3; n++) {
    clock.advance(9_000);
    expect(await ask(login("@locked"), 9_000)).toBe(9_000);
  }
  expect(await ask(login("@other"), 4_000)).toBe(4_000);
  const before = asked();
  expect(await ask(login("@well"))).toBe(4_000);
  expect(asked()).toBe(before);
  clock.advance(4_000);
  expect(await ask(login("@well"))).toBe("let through");
});

test("who gives up while it waits for its turn does not hold up those behind it", async () => {
  const { clock, buckets, ask } = world();
  await ask({ name: "joining rooms as @a" }, 1_000);
  clock.advance(1_000);
  const [first, left, next] = [work(), work(), work()];
  const impatient = new AbortController();
  const enter = (signal: AbortSignal, run: () => Promise<void>) =>
    buckets.through({ name: "joining rooms as @a" }, "answer", signal, run);
  const done = [enter(never, first.run), enter(impatient.signal, left.run), enter(never, next.run)];
  await settled();
  impatient.abort(new Error("enough"));
  await expect(done[1]).rejects.toThrow("enough");
  await first.succeed();
  expect([left.begun, next.begun]).toEqual([false, true]);
  await next.succeed();
  await Promise.all([done[0], done[2]]);
});

test("only buckets in which somebody was lately refused are remembered", async () => {
  const { clock, buckets, ask } = world();
  for (let n = 0; n < 5_000; n++) await ask({ name: `sending as @a${n}` });
  expect(buckets.size).toBe(0);
  for (let n = 0; n < 5_000; n++) {
    await ask({ name: `sending as @a${n}` }, 50);
    clock.advance(10);
  }
  expect(buckets.size).toBeLessThanOrEqual(200);
});

test("whoever asks when, a homeserver that says how long to wait refuses once in each pause, and nobody waits longer", async () => {
  const asks = fc.array(
    fc.record({ user: fc.integer({ min: 0, max: 3 }), after: fc.integer({ min: 0, max: 4_000 }) }),
    {
      maxLength: 60,
    },
  );
  await fc.assert(
    fc.asyncProperty(asks, async (plan) => {
      const clock = new SimulatedClock();
      const buckets = new Buckets(clock);
      /** One request in 3 s for each user. */
      const freeAt = new Map<number, number>();
      const refusals = new Map<number, number>();
      for (const { user, after } of plan) {
        clock.advance(after);
        const rest = (freeAt.get(user) ?? 0) - clock.now();
        const outcome = await buckets
          .through({ name: `sending as ${user}` }, "answer", never, async () => {
            if (rest > 0) throw matrixError("limited", rest);
            freeAt.set(user, clock.now() + 3_000);
            refusals.delete(user);
          })
          .then(
            () => "through",
            (error: unknown) => error,
          );
        if (rest <= 0) expect(outcome).toBe("through");
        else expect(outcome).toMatchObject({ kind: "limited", retryAfterMs: rest });
        const isFirstHand = outcome instanceof MatrixError && outcome.cause === undefined;
        if (isFirstHand) refusals.set(user, (refusals.get(user) ?? 0) + 1);
        expect(refusals.get(user) ?? 0).toBeLessThanOrEqual(1);
      }
    }),
  );
});

test.each([-86_400_000, 86_400_000])(
  "a pause is as long as it was when somebody sets the clock by %d ms",
  async (set) => {
    const { clock, ask } = world();
    expect(await ask({ name: "sending as @a" }, 5_000)).toBe(5_000);
    clock.set(set);
    expect(await ask({ name: "sending as @a" })).toBe(5_000);
    clock.advance(5_000);
    expect(await ask({ name: "sending as @a" })).toBe("let through");
  },
);
