import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { addressOf } from "../../src/machines/addresses.ts";
import type { Residents, SpaceContext } from "../../src/machines/space-context.ts";
import type { ActorId } from "../../src/runtime/actor-id.ts";
import { type ChartDriver, failure } from "./chart-driver.ts";
import { drive } from "./charts-under-test.ts";

type Space = ChartDriver<SpaceContext>;

const nobody: Residents = { moved: [], homeless: [], revisions: {} };

/** Where a part is, as the homeserver says. */
function idOf({ part }: SpaceContext): string {
  return `!part-${part}:test`;
}

function outputOf(space: Space, child: string): unknown {
  if (child === "resolveSpace" || child === "createSpace") return { partId: idOf(space.context) };
  return child === "listResidents" ? nobody : undefined;
}

/** Lets all go well until the space is ready. */
function settle(space: Space): Space {
  while (!space.in("ready")) {
    const [child] = space.running.keys();
    if (child === undefined) space.fireNext();
    else space.done(child, outputOf(space, child));
  }
  return space;
}

function told(space: Space): readonly unknown[] {
  return space.tells.map(({ to, event }) => [to, event["part"], event["spaceId"]]);
}

test("#14 makes one space: one that was made before a crash is found", () => {
  const space = drive.space();
  space.done("ensureBot");
  space.done("resolveSpace", { partId: null });
  space.fail("createSpace", failure("taken"));
  expect(space.fireNext()).toBeLessThan(2_000);
  space.done("resolveSpace", { partId: "!space:test" });
  expect(space.in("provisioning.announcing")).toBe(true);
});

test("#13 creates nothing while it is unknown whether there is one", () => {
  const space = drive.space();
  space.done("ensureBot");
  for (const kind of ["unreachable", "limited", "squatted", "malformed", "forbidden"]) {
    space.fail("resolveSpace", failure(kind));
    expect(space.context.wait?.reason).toBe(`it failed: ${kind}`);
    space.fireNext();
    expect([...space.running.keys()]).toEqual(["resolveSpace"]);
  }
});

test("goes on where it was interrupted", () => {
  const space = drive.space();
  space.done("ensureBot");
  space.done("resolveSpace", { partId: "!space:test" });
  space.done("listResidents", nobody);
  space.done("furnishSpace");
  space.fail("inviteToSpace", failure("limited", 333_000));
  expect(space.fireNext()).toBeGreaterThanOrEqual(333_000);
  expect([...space.running.keys()]).toEqual(["inviteToSpace"]);
  settle(space);
  expect(space.context.wait).toBeUndefined();
});

describe("an inspection", () => {
  test("goes through all again, and changes nothing where all is well", () => {
    const space = settle(drive.space());
    space.send({ type: "INSPECT" });
    expect([...space.running.keys()]).toEqual(["ensureBot"]);
    settle(space);
    expect(space.tells).toEqual([]);
  });

  test("#14 that finds the space gone makes another, and tells everybody who was in the old one", () => {
    const space = settle(drive.space());
    space.send({ type: "INSPECT" });
    space.done("ensureBot");
    expect(space.inputOf("resolveSpace")).toEqual({ part: 1, spaceId: "!part-1:test" });
    space.done("resolveSpace", { partId: null });
    space.done("createSpace", { partId: "!another:test" });
    space.done("listResidents", { moved: ["test/agent/a", "test/agent/b"], homeless: [], revisions: {} });
    expect(told(space)).toEqual([
      ["test/agent/a", 1, "!another:test"],
      ["test/agent/b", 1, "!another:test"],
    ]);
    settle(space);
    expect(space.context.spaceId).toBe("!another:test");
  });

  test("names what it tells by what it knows of whom it tells, so that who takes nothing has it once", () => {
    const space = settle(drive.space());
    const tell = (partId: string, revisions: Residents["revisions"], later = 0): string | undefined => {
      space.at += later;
      space.send({ type: "INSPECT" });
      space.done("ensureBot");
      space.done("resolveSpace", { partId });
      space.done("listResidents", { moved: ["test/agent/a"], homeless: [], revisions });
      settle(space);
      return space.tells.at(-1)?.id;
    };
    const known = { "test/agent/a": 7 };
    const first = tell("!new:test", known);
    expect(first).toBeDefined();
    expect(tell("!new:test", known)).toBe(first);
    const others = [
      tell("!newer:test", known),
      tell("!new:test", { "test/agent/a": 8 }),
      tell("!new:test", known, 24 * 3_600_000),
    ];
    expect(new Set([first, ...others]).size).toBe(4);
  });

  test("does not wait for what is backing off", () => {
    const space = drive.space();
    space.done("ensureBot");
    space.done("resolveSpace", { partId: "!space:test" });
    space.done("listResidents", nobody);
    space.fail("furnishSpace", failure("forbidden"));
    space.send({ type: "INSPECT" });
    expect([...space.running.keys()]).toEqual(["ensureBot"]);
  });
});

describe("a space that is full", () => {
  const ask = (space: Space, n: number): void => void space.send({ type: "SPACE_WANTED", asker: `test/agent/${n}` });

  function full(): Space {
    const space = settle(drive.space());
    for (const n of [1, 2, 3]) ask(space, n);
    return space;
  }

  test("gets a further part, where the next agents find their place", () => {
    const space = full();
    ask(space, 4);
    expect(space.in("provisioning.registering")).toBe(true);
    space.done("ensureBot");
    expect(space.inputOf("resolveSpace")).toEqual({ part: 2, spaceId: "!part-1:test" });
    space.done("resolveSpace", { partId: null });
    space.done("createSpace", { partId: "!part-2:test" });
    space.done("listResidents", { moved: [], homeless: ["test/agent/4"], revisions: {} });
    settle(space);
    ask(space, 5);
    expect(told(space).slice(3)).toEqual([
      ["test/agent/4", 2, "!part-2:test"],
      ["test/agent/5", 2, "!part-2:test"],
    ]);
    expect(space.context).toMatchObject({ parts: 2, given: 2, spaceId: "!part-1:test" });
  });

  test("is looked through in all its parts", () => {
    const space = full();
    ask(space, 4);
    settle(space);
    space.send({ type: "INSPECT" });
    const looked: unknown[] = [];
    while (!space.in("ready")) {
      const [child = ""] = space.running.keys();
      if (child === "furnishSpace") looked.push(space.inputOf(child));
      space.done(child, outputOf(space, child));
    }
    expect(looked).toEqual([
      { part: 1, partId: "!part-1:test", spaceId: "!part-1:test" },
      { part: 2, partId: "!part-2:test", spaceId: "!part-1:test" },
    ]);
  });
});

test("whoever asks for the space is told, once it is there, and no part gets more than its share", () => {
  const what = fc.oneof(
    { weight: 2, arbitrary: fc.constant("ask" as const) },
    { weight: 6, arbitrary: fc.constant("go on" as const) },
    { weight: 1, arbitrary: fc.constant("inspect" as const) },
    { weight: 2, arbitrary: fc.constantFrom("fail" as const, "nothing there" as const, "taken" as const) },
  );
  fc.assert(
    fc.property(fc.array(what, { maxLength: 60 }), (happenings) => {
      const askers: ActorId[] = [];
      /** What each agent's own record says. An agent has its tells the moment they are made. */
      const places = new Map<string, unknown>();
      /** The agents that the listing which runs now has seen: those that had a record when it began. */
      let listed: Residents | undefined;
      const take = (space: Space | undefined): void => {
        for (const { to, event } of space?.tells ?? []) if (!places.has(to)) places.set(to, event["part"]);
      };
      let space: Space | undefined;
      const homeless = () => askers.filter((asker) => !places.has(asker));
      space = drive.space(({ record }) => {
        take(space);
        const isListing = record.children["listResidents"] !== undefined && !record.children["listResidents"].finished;
        listed = isListing ? (listed ?? { ...nobody, homeless: homeless() }) : undefined;
      });
      const running = space;
      const ask = (): void => {
        const asker = addressOf.agent("test", `agent-${askers.length}`);
        askers.push(asker);
        running.send({ type: "SPACE_WANTED", asker });
        take(running);
      };
      const goOn = (output?: unknown): void => {
        const [child] = running.running.keys();
        if (child === undefined) running.fireNext();
        else running.done(child, child === "listResidents" ? listed : (output ?? outputOf(running, child)));
        take(running);
      };
      for (const happening of happenings) {
        const [child] = running.running.keys();
        if (happening === "ask") ask();
        else if (happening === "inspect") running.send({ type: "INSPECT" });
        else if (running.in("ready")) continue;
        else if (happening === "fail" && child !== undefined) running.fail(child, failure("unreachable"));
        else if (happening === "taken" && child === "createSpace") running.fail(child, failure("taken"));
        else goOn(happening === "nothing there" && child === "resolveSpace" ? { partId: null } : undefined);
      }
      while (!running.in("ready")) goOn();
      ask();
      while (!running.in("ready")) goOn();
      expect(homeless()).toEqual([]);
      for (let part = 1; part <= running.context.parts; part += 1)
        expect([...places.values()].filter((place) => place === part).length).toBeLessThanOrEqual(3);
      expect(running.context.parts).toBeLessThanOrEqual(Math.ceil(askers.length / 2) + 1);
    }),
  );
});
