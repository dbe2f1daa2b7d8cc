import { expect, test } from "vitest";
import { Breaker } from "../../../src/matrix/pacing/breaker.ts";
import { MatrixError, type MatrixErrorKind } from "../../../src/matrix/port.ts";
import { matrixError } from "../../ports/fake-homeserver.ts";
import { SimulatedClock, settled } from "../../runtime/simulated-clock.ts";
import { work } from "./work.ts";

function world() {
  const clock = new SimulatedClock();
  const opened: number[] = [];
  const breaker = new Breaker(clock, () => opened.push(clock.now()));
  let asked = 0;
  /** Asks, and tells whether the homeserver was asked at all. */
  const ask = async (user: string, kind?: MatrixErrorKind): Promise<boolean> => {
    const before = asked;
    await breaker
      .through(user, async () => {
        asked += 1;
        if (kind !== undefined) throw matrixError(kind);
      })
      .catch(() => undefined);
    return asked > before;
  };
  const goDown = async () => {
    for (const user of ["@a", "@b", "@c"]) await ask(user, "unreachable");
  };
  return { clock, breaker, ask, goDown, opened };
}

test("one user's trouble is no trouble of the homeserver, however often it comes", async () => {
  const { ask } = world();
  for (let n = 0; n < 20; n++) expect(await ask("@a", "unreachable")).toBe(true);
  expect(await ask("@b")).toBe(true);
});

test.each(["limited", "forbidden", "missing", "token"] as const)(
  "a homeserver that says %s to somebody is there",
  async (kind) => {
    const { ask } = world();
    await ask("@a", "unreachable");
    await ask("@b", "unreachable");
    await ask("@c", kind);
    expect(await ask("@d", "unreachable")).toBe(true);
    expect(await ask("@e")).toBe(true);
  },
);

test("when it answers three users in a row no more, nobody else asks, and each is told why", async () => {
  const { breaker, ask, goDown, opened } = world();
  await goDown();
  expect(opened).toHaveLength(1);
  expect(await ask("@d")).toBe(false);
  const refusal = await breaker.through("@d", async () => undefined).catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(MatrixError);
  expect(refusal).toMatchObject({
    kind: "unreachable",
    message: "the homeserver answers nobody, and is tried again from time to time",
    remedy: matrixError("unreachable").remedy,
    cause: { message: matrixError("unreachable").message },
  });
});

test("during an outage one user asks at a time, at intervals that grow with everyone who asks in vain", async () => {
  const { clock, ask, goDown } = world();
  await goDown();
  const waits: number[] = [];
  for (let probe = 0; probe < 8; probe++) {
    let waited = 0;
    while (!(await ask(`@d${probe}`, "unreachable"))) {
      clock.advance(500);
      waited += 500;
    }
    waits.push(waited);
  }
  expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
});

test("three users who never find an answer keep nobody else waiting for more than a second", async () => {
  const { clock, ask, goDown } = world();
  await goDown();
  for (let round = 0; round < 20; round++) {
    clock.advance(1_000);
    expect(await ask(["@a", "@b", "@c"][round % 3] ?? "", "unreachable")).toBe(true);
  }
  expect(await ask("@d")).toBe(false);
  clock.advance(1_000);
  expect(await ask("@d")).toBe(true);
  expect(await ask("@e")).toBe(true);
});

test("while somebody finds out whether it is there again, the others are told at once that it is not known yet", async () => {
  const { clock, breaker, ask, goDown } = world();
  await goDown();
  clock.advance(1_000);
  const probe = work();
  const found = breaker.through("@d", probe.run);
  expect(await ask("@e")).toBe(false);
  clock.advance(60_000);
  expect(await ask("@e")).toBe(false);
  await probe.succeed();
  await found;
  expect(await ask("@e")).toBe(true);
  expect(await ask("@f", "unreachable")).toBe(true);
  expect(await ask("@g")).toBe(true);
});

test("who gives up while it finds out leaves that to the next", async () => {
  const { clock, breaker, ask, goDown } = world();
  await goDown();
  clock.advance(1_000);
  const probe = work();
  const found = expect(breaker.through("@d", probe.run)).rejects.toThrow("stopping");
  await probe.fail(new Error("this process is stopping"));
  await found;
  expect(await ask("@e")).toBe(true);
});

test("a page of a proxy in front is not taken for an answer", async () => {
  const { clock, ask, goDown } = world();
  await goDown();
  clock.advance(1_000);
  expect(await ask("@d", "malformed")).toBe(true);
  expect(await ask("@e")).toBe(false);
  clock.advance(2_000);
  expect(await ask("@e")).toBe(true);
});

test("a poll that was held all the while and is answered shows that the homeserver is there", async () => {
  const { breaker, ask, goDown } = world();
  const poll = work();
  const held = breaker.through("@poll", poll.run);
  await goDown();
  expect(await ask("@d")).toBe(false);
  await poll.succeed();
  await held;
  await settled();
  expect(await ask("@d")).toBe(true);
});

test("an outage is over as soon as it was when somebody sets the clock back", async () => {
  const { clock, ask, goDown } = world();
  await goDown();
  clock.set(-86_400_000);
  clock.advance(1_000);
  expect(await ask("@d")).toBe(true);
  expect(await ask("@e")).toBe(true);
});
