import fc from "fast-check";
import { expect, test } from "vitest";
import { failure } from "./chart-driver.ts";
import { drive } from "./charts-under-test.ts";

const outputs: Readonly<Record<string, unknown>> = {
  resolveSpace: { spaceId: "!space:test" },
  createSpace: { spaceId: "!space:test" },
};

test("#14 makes one space: one that was made before a crash is found", () => {
  const space = drive.space();
  space.done("ensureBot");
  space.done("resolveSpace", { spaceId: null });
  space.fail("createSpace", failure("taken"));
  expect(space.fireNext()).toBeLessThan(2_000);
  space.done("resolveSpace", { spaceId: "!space:test" });
  expect(space.in("provisioning.announcing")).toBe(true);
});

test("creates nothing while it is unknown whether there is one", () => {
  const space = drive.space();
  space.done("ensureBot");
  for (const kind of ["unreachable", "limited", "squatted", "malformed"]) {
    space.fail("resolveSpace", failure(kind));
    expect(space.context.wait?.reason).toBe(`it failed: ${kind}`);
    space.fireNext();
    expect([...space.running.keys()]).toEqual(["resolveSpace"]);
  }
});

test("goes on where it was interrupted", () => {
  const space = drive.space();
  space.done("ensureBot");
  space.done("resolveSpace", { spaceId: "!space:test" });
  space.done("listResidents", []);
  space.fail("inviteToSpace", failure("limited", 333_000));
  expect(space.fireNext()).toBeGreaterThanOrEqual(333_000);
  expect([...space.running.keys()]).toEqual(["inviteToSpace"]);
  space.done("inviteToSpace");
  expect(space.value).toBe("ready");
  expect(space.context.wait).toBeUndefined();
});

test("whoever asks for the space is told, whenever it asks and whatever fails", () => {
  const what = fc.oneof(
    { weight: 2, arbitrary: fc.constant("ask" as const) },
    { weight: 4, arbitrary: fc.constant("go on" as const) },
    { weight: 2, arbitrary: fc.constantFrom("fail" as const, "nothing there" as const, "taken" as const) },
  );
  fc.assert(
    fc.property(fc.array(what, { maxLength: 40 }), (happenings) => {
      const askers: string[] = [];
      /** The agents that the listing which runs now has seen: those that had a record when it began. */
      let listed: string[] | undefined;
      const space = drive.space(({ record }) => {
        const isListing = record.children["listResidents"] !== undefined && !record.children["listResidents"].finished;
        listed = isListing ? (listed ?? [...askers]) : undefined;
      });
      const ask = (): void => {
        const asker = `test/agent/agent-${askers.length}`;
        askers.push(asker);
        space.send({ type: "SPACE_WANTED", asker });
      };
      const goOn = (output?: unknown): void => {
        const [child] = space.running.keys();
        if (child === undefined) space.fireNext();
        else space.done(child, child === "listResidents" ? listed : (output ?? outputs[child]));
      };
      for (const happening of happenings) {
        const [child] = space.running.keys();
        if (happening === "ask") ask();
        else if (space.in("ready")) continue;
        else if (happening === "fail" && child !== undefined) space.fail(child, failure("unreachable"));
        else if (happening === "taken" && child === "createSpace") space.fail(child, failure("taken"));
        else goOn(happening === "nothing there" && child === "resolveSpace" ? { spaceId: null } : undefined);
      }
      while (!space.in("ready")) goOn();
      ask();
      const told = space.tells.filter(({ event }) => event.type === "SPACE_READY").map(({ to }) => to);
      expect(askers.filter((asker) => !told.some((to) => to === asker))).toEqual([]);
      expect(space.tells.every(({ event }) => event["spaceId"] === "!space:test")).toBe(true);
    }),
  );
});
