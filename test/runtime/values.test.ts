import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { actorId, idPrefix, isActorId, parseActorId, partsOf } from "../../src/runtime/actor-id.ts";
import { actorOfKey, keys, tailOfKey } from "../../src/runtime/embedded/keys.ts";
import { toFailure } from "../../src/runtime/failure.ts";
import { fraction, jittered } from "../../src/runtime/jitter.ts";
import { assertPlainJson, NotPlainJson } from "../../src/runtime/json.ts";
import { runs } from "./runs.ts";

const part = fc.string({ unit: "grapheme" }).filter((text) => text.isWellFormed());

describe("actor ids", () => {
  it("can be taken apart again, whatever they were made of", () => {
    fc.assert(
      fc.property(part, part, fc.array(part), (realm, machine, key) => {
        const id = actorId(realm, machine, ...key);
        expect(partsOf(id)).toEqual({ realm, machine, key });
        expect(parseActorId(id)).toBe(id);
        expect(isActorId(id)).toBe(true);
        if (key.length > 0) expect(id.startsWith(idPrefix(realm, machine))).toBe(true);
      }),
      { numRuns: runs(200) },
    );
  });

  it("are told from other text", () => {
    for (const text of ["alone", "a|b/c", "a/b c", "a/%zz", 7, undefined]) expect(isActorId(text)).toBe(false);
  });
});

describe("keys of the store", () => {
  it("hold ids of timers and events as they are, and sort as their numbers count", () => {
    fc.assert(
      fc.property(part, part, fc.nat(), fc.nat(), (key, name, one, other) => {
        const id = actorId("realm", "machine", key);
        for (const made of [keys.timer(id, name), keys.seen(id, name)]) {
          expect(actorOfKey(made)).toBe(id);
          expect(tailOfKey(made)).toBe(name);
        }
        expect(Number(tailOfKey(keys.inbox(id, one)))).toBe(one);
        expect(keys.inbox(id, one) < keys.inbox(id, other)).toBe(one < other);
        expect(keys.effect(id, 1, one) < keys.effect(id, 1, other)).toBe(one < other);
      }),
      { numRuns: runs(200) },
    );
  });
});

/** JSON writes -0 as 0, which is as good as the same. */
function unsigned(value: unknown): unknown {
  if (typeof value === "number") return value + 0;
  if (Array.isArray(value)) return value.map(unsigned);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, unsigned(item)]));
}

describe("plain JSON", () => {
  it("is what comes back the same", () => {
    fc.assert(
      fc.property(
        fc.anything({
          withDate: true,
          withMap: true,
          withBigInt: true,
          withSparseArray: true,
          withNullPrototype: true,
        }),
        (value) => {
          let plain = true;
          try {
            assertPlainJson(value, "value");
          } catch (error) {
            expect(error).toBeInstanceOf(NotPlainJson);
            plain = false;
          }
          if (plain && value !== undefined) expect(JSON.parse(JSON.stringify(value))).toEqual(unsigned(value));
        },
      ),
      { numRuns: runs(500) },
    );
  });

  it("is every value that JSON can write", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => assertPlainJson(value, "value")),
      { numRuns: runs(200) },
    );
  });
});

describe("jitter", () => {
  it("depends on the text alone, stays within a fifth, and spreads", () => {
    fc.assert(
      fc.property(fc.string(), fc.nat({ max: 1_000_000 }), (text, delay) => {
        expect(fraction(text)).toBe(fraction(text));
        expect(jittered(delay, text)).toBeGreaterThanOrEqual(Math.floor(0.8 * delay));
        expect(jittered(delay, text)).toBeLessThanOrEqual(Math.ceil(1.2 * delay));
      }),
      { numRuns: runs(200) },
    );
    const tenths = new Set(Array.from({ length: 200 }, (_, n) => Math.floor(10 * fraction(`agent ${n} retry`))));
    expect(tenths.size).toBe(10);
  });
});

describe("a failure as data", () => {
  it("keeps what tells a person what to do, and the cause, but no endless chain of them", () => {
    const error = Object.assign(new Error("limited", { cause: new TypeError("inner") }), {
      kind: "limited",
      remedy: "wait",
      retryAfterMs: 5,
      token: "secret",
    });
    expect(toFailure(error)).toEqual({
      name: "Error",
      message: "limited",
      kind: "limited",
      remedy: "wait",
      retryAfterMs: 5,
      cause: { name: "TypeError", message: "inner" },
    });
    const endless = new Error("endless");
    endless.cause = endless;
    expect(JSON.stringify(toFailure(endless)).match(/endless/g)).toHaveLength(6);
  });

  it("has the beginning of what a server says at length: it stands in records, crash reports and dead letters", () => {
    const page = "\u{1f984}".repeat(500_000);
    const failure = toFailure(new Error(page, { cause: new Error(page) }));
    expect(JSON.stringify(failure).length).toBeLessThan(10_000);
    expect(failure.message.isWellFormed()).toBe(true);
    expect(failure.message.startsWith("\u{1f984}\u{1f984}")).toBe(true);
    expect(toFailure(failure)).toEqual(failure);
    expect(toFailure(page).message).toBe(failure.message);
  });

  it("is the same again when it has come back from the store", () => {
    const failure = toFailure(new Error("outer", { cause: new Error("inner") }));
    expect(toFailure(failure)).toEqual(failure);
    expect(toFailure("just text")).toEqual({ name: "Error", message: "just text" });
  });
});
