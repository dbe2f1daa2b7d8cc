import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { cutNotice } from "../../src/actors/conversation/content.ts";
import { actorOfKey, tailOfKey } from "../../src/runtime/embedded/keys.ts";
import { storeFormat } from "../../src/runtime/embedded/store/identity.ts";
import { unseal } from "../../src/runtime/embedded/store/seal.ts";
import { parseRecord } from "../../src/runtime/record.ts";
import { eventually } from "../e2e/eventually.ts";
import { temporaryFolder } from "../runtime/temporary-folder.ts";
import { repopulate, restore, rowsOf } from "./fixture.ts";
import { type Formats, fixtures, fixturesFolder, formatsNow, formatsOf, newestFormats, unrecorded } from "./formats.ts";
import { Town } from "./town.ts";

const cutText = String(cutNotice()["body"]);

describe.each(fixtures())("what was written in formats %i", (number) => {
  const fixture = join(fixturesFolder, String(number));

  test("has something of each kind", async () => {
    const rows = await rowsOf(fixture);
    const kinds = new Set(rows.map(([key]) => key.slice(0, 2)));
    for (const kind of ["r|", "j|", "o|", "t|", "i|", "s|", "c|", "d|", "v|", "m|"]) expect([...kinds]).toContain(kind);
    const records = rows.filter(([key]) => key.startsWith("r|")).map(([key, sealed]) => unseal(key, sealed).value);
    const versions = records.map(parseRecord).map(({ machine, version }) => [machine, String(version)] as const);
    expect(Object.fromEntries(versions)).toEqual(formatsOf(number).charts);
  });

  test("is loaded by this version: all actors go on, and every question gets its answer", {
    timeout: 60_000,
  }, async () => {
    const folder = await temporaryFolder("formats");
    await restore(fixture, folder);
    const town = await Town.in(folder);
    await repopulate(fixture, town.homeserver);
    const before = town.answered().length;
    const rows = new Map(await rowsOf(fixture));
    const records = [...rows].filter(([key]) => key.startsWith("r|")).map(([key, sealed]) => unseal(key, sealed).value);
    await town.app.start();
    const { host } = town.app;

    // What was being answered, what waited behind it, and what somebody says now.
    const rooms = [
      ...new Set(
        records
          .map(parseRecord)
          .flatMap(({ machine, context }) => (machine === "conversation" ? [String(context["roomId"])] : [])),
      ),
    ];
    const now = rooms.map((room) => town.say(room, "Are you still there?"));
    expect(now).toHaveLength(2);
    await eventually("all answers", () => (town.answered().length >= before + 4 ? true : undefined), 20_000);
    expect(town.answered()).toEqual(expect.arrayContaining(now));
    expect(new Set(town.answered()).size).toBe(before + 4);

    // What was still to be said, and what the held event brings.
    const cuts = () =>
      [...town.homeserver.rooms.values()]
        .flatMap(({ events }) => events)
        .filter(({ content }) => String(content["body"]).includes(cutText));
    await eventually("what was not said yet", () => (cuts().length === 2 ? true : undefined), 20_000);

    for (const record of records.map(parseRecord)) {
      const { id, machine, revision } = record;
      await eventually(`${id} to go on`, () => ((host.read(id)?.revision ?? 0) > revision ? true : undefined), 20_000);
      expect(String(host.read(id)?.version)).toBe(formatsNow.charts[machine]);
      const journal = await host.journal(id);
      expect(journal.at(-1)?.revision).toBeGreaterThan(revision);
      // The lines of then are there, too.
      const lines = [...rows.keys()].filter((key) => key.startsWith(`j|${id}|`));
      expect(journal.map((line) => line.revision)).toEqual(
        expect.arrayContaining(lines.map((key) => Number(tailOfKey(key)))),
      );
    }
    const letters = [...rows.keys()].filter((key) => key.startsWith("d|"));
    const known = await host.deadLetters.list();
    expect(known.map(({ actor }) => actor)).toEqual(expect.arrayContaining(letters.map(actorOfKey)));
    for (const actor of new Set(letters.map(actorOfKey))) {
      const crashes = [...rows.keys()].filter((key) => key.startsWith(`c|${actor}|`));
      expect((await host.crashes(actor)).length).toBeGreaterThanOrEqual(crashes.length);
    }
    // Whoever was logged in still is, by the vault.
    expect(town.homeserver.count("register") + town.homeserver.count("login")).toBe(0);
    expect(town.log.filter(({ msg }) => msg === "something of an actor cannot be read, and stays as it is")).toEqual(
      [],
    );
    await town.app.stop();
  });
});

describe("the newest fixture", () => {
  test("holds what is written now", () => {
    expect(unrecorded(formatsNow, newestFormats()), "see the message").toBeUndefined();
  });

  test("is missed whenever the version of something changes, and the message says what to do", () => {
    const changes: readonly (readonly [string, Formats])[] = [
      ["the store", { ...formatsNow, store: storeFormat + 1 }],
      ["the record", { ...formatsNow, record: formatsNow.record + 1 }],
      ["the chart agent", { ...formatsNow, charts: { ...formatsNow.charts, agent: "next" } }],
      ["the chart new", { ...formatsNow, charts: { ...formatsNow.charts, new: "1" } }],
      ["the row inbox", { ...formatsNow, rows: { ...formatsNow.rows, inbox: "otherwise" } }],
    ];
    for (const [name, next] of changes) {
      expect(unrecorded(next, formatsNow)).toContain(`${name} changed`);
      // Also when something is not written any more.
      expect(unrecorded(formatsNow, next)).toContain(`${name} changed`);
    }
    expect(unrecorded(formatsNow, undefined)).toContain("npm run formats");
    expect(unrecorded(formatsNow, formatsNow)).toBeUndefined();
  });
});
