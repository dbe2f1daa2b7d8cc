import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { Person } from "./person.ts";

const roomId = "!room:example.org";

interface Timeline {
  readonly numbers: readonly number[];
  readonly limited?: boolean;
  readonly prevBatch?: string;
}

function event(n: number): object {
  const content = { msgtype: "m.text", body: `${n}` };
  return { event_id: `$${n}`, type: "m.room.message", sender: "@bert:example.org", origin_server_ts: n, content };
}

/** A homeserver with these answers to /sync, one after the other, and these pages of older events by their places. */
async function homeserver(answers: readonly Timeline[], pages: Readonly<Record<string, readonly number[]>>) {
  let asked = 0;
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? "/", "http://homeserver");
    if (url.pathname.endsWith("/messages")) {
      const [from, ...older] = Object.keys(pages).filter((place) => place <= (url.searchParams.get("from") ?? ""));
      response.end(JSON.stringify({ chunk: (pages[from ?? ""] ?? []).map(event), end: older[0] }));
      return;
    }
    const answer = answers[asked++];
    // The next one is waited for, as one waits for news that do not come.
    if (answer === undefined) return;
    const { numbers, limited, prevBatch } = answer;
    const timeline = { events: numbers.map(event), limited, prev_batch: prevBatch };
    response.end(JSON.stringify({ next_batch: `s${asked}`, rooms: { join: { [roomId]: { timeline } } } }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { server, baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

describe("a person's client", () => {
  let close = async (): Promise<void> => {};
  afterEach(() => close());

  async function told(
    answers: readonly Timeline[],
    pages: Readonly<Record<string, readonly number[]>>,
    last: number,
  ): Promise<readonly string[]> {
    const { server, baseUrl } = await homeserver(answers, pages);
    const person = await new Person({ baseUrl, userId: "@anna:example.org", accessToken: "" }).open();
    close = async () => {
      await person.close();
      server.closeAllConnections();
      server.close();
    };
    await person.until(`event ${last}`, () => person.events(roomId).find(({ eventId }) => eventId === `$${last}`));
    return person.events(roomId).map(({ eventId }) => eventId);
  }

  it("fetches what was left out of an answer, page by page", async () => {
    const answers = [{ numbers: [1, 2] }, { numbers: [7, 8], limited: true, prevBatch: "p2" }];
    expect(await told(answers, { p2: [6, 5], p1: [4, 3, 2, 1] }, 8)).toEqual(
      [1, 2, 3, 4, 5, 6, 7, 8].map((n) => `$${n}`),
    );
  });

  it("takes an event once that is told again with a room that is called limited", async () => {
    const answers = [{ numbers: [1, 2] }, { numbers: [1, 2, 3], limited: true, prevBatch: "p0" }];
    expect(await told(answers, {}, 3)).toEqual(["$1", "$2", "$3"]);
  });
});
