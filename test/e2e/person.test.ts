import { afterEach, describe, expect, it } from "vitest";
import { answerJson, startOddServer } from "../matrix/odd-server.ts";
import { Person } from "./person.ts";

const roomId = "!room:example.org";
const quietRoomId = "!quiet:example.org";

interface Timeline {
  readonly numbers: readonly number[];
  readonly limited?: boolean;
  readonly prevBatch?: string;
}

interface Page {
  readonly numbers: readonly number[];
  readonly end?: string;
}

function event(n: number): object {
  const content = { msgtype: "m.text", body: `${n}` };
  return { event_id: `$${n}`, type: "m.room.message", sender: "@bert:example.org", origin_server_ts: n, content };
}

describe("a person's client", () => {
  let close = async (): Promise<void> => {};
  afterEach(() => close());

  /** A client of a homeserver with these answers to /sync, and these pages of older events by their places. */
  async function client(
    answers: readonly Timeline[],
    pages: Readonly<Record<string, Page>> = {},
    broken = 0,
  ): Promise<Person> {
    let cuts = 0;
    const server = await startOddServer(({ url = "", socket }, response) => {
      const { pathname, searchParams } = new URL(url, "http://homeserver");
      if (pathname.endsWith("/messages")) {
        if (cuts++ < broken) return void socket.destroy();
        const page = pages[searchParams.get("from") ?? ""];
        return answerJson(response, 200, { chunk: (page?.numbers ?? []).map(event), end: page?.end });
      }
      const n = Number(searchParams.get("since") ?? 0);
      const answer = answers[n];
      // The next one is waited for, as one waits for news that do not come.
      if (answer === undefined) return;
      const { numbers, limited, prevBatch } = answer;
      const timeline = { events: numbers.map(event), limited, prev_batch: prevBatch };
      const quiet = { timeline: { events: [event(100 + n)] } };
      const join = { [quietRoomId]: quiet, [roomId]: { timeline } };
      answerJson(response, 200, { next_batch: String(n + 1), rooms: { join } });
    });
    const person = await new Person({ baseUrl: server.baseUrl, userId: "@anna:example.org", accessToken: "" }).open();
    close = async () => {
      await person.close();
      await server.stop();
    };
    return person;
  }

  const idsIn = (person: Person, room: string): string[] => person.events(room).map(({ eventId }) => eventId);
  const has = (person: Person, id: string) => () => person.events(roomId).find(({ eventId }) => eventId === id);
  const pages = { p2: { numbers: [6, 5], end: "p1" }, p1: { numbers: [4, 3, 2, 1] } };
  const gap = [{ numbers: [1, 2] }, { numbers: [7, 8], limited: true, prevBatch: "p2" }];
  const whole = ["$1", "$2", "$3", "$4", "$5", "$6", "$7", "$8"];

  it("fetches what was left out of an answer, page by page", async () => {
    const person = await client(gap, pages);
    await person.until("the newest event", has(person, "$8"));
    expect(idsIn(person, roomId)).toEqual(whole);
  });

  it("takes an event once that is told again with a room that is called limited", async () => {
    const person = await client([{ numbers: [1, 2] }, { numbers: [1, 2, 3], limited: true, prevBatch: "p0" }]);
    await person.until("the newest event", has(person, "$3"));
    expect(idsIn(person, roomId)).toEqual(["$1", "$2", "$3"]);
  });

  it("takes nothing twice when the connection breaks while it fetches what was left out", async () => {
    const person = await client(gap, pages, 1);
    await person.until("the newest event", has(person, "$8"));
    expect(idsIn(person, roomId)).toEqual(whole);
    expect(idsIn(person, quietRoomId)).toEqual(["$100", "$101"]);
  });
});
