import type { LoggedRequest } from "../servers/access-log.ts";
import type { ModelCall } from "../servers/model.ts";
import type { Count } from "./census.ts";
import type { Arrival, Evidence, InputNote, Kill, Resident } from "./evidence.ts";
import type { SaidCommand, SentMessage } from "./messages.ts";
import type { RoomEvent } from "./person.ts";
import type { Report, Subject } from "./protocol.ts";

type Passed = Extract<Report, { type: "passed" }>;
type Accepted = Extract<Report, { type: "accepted" }>;
type Told = Extract<Report, { type: "turn" | "failed" | "fate" }>;

/** Everything that a run has come to know, as it came. */
export class Ledger {
  readonly residents: Resident[] = [];
  readonly messages: SentMessage[] = [];
  readonly commands: SaidCommand[] = [];
  readonly kills: Kill[] = [];
  readonly #timelines = new Map<string, RoomEvent[]>();
  readonly #passed: Passed[] = [];
  readonly #accepted: Accepted[] = [];
  readonly #told: Told[] = [];
  readonly #approved: Subject[] = [];
  readonly #acknowledged = new Set<string>();
  readonly arrivals: Arrival[] = [];

  /** Takes down what the product reports of itself. */
  note(report: Report): void {
    if (report.type === "turn" || report.type === "failed" || report.type === "fate") this.#told.push(report);
    if (report.type === "passed") this.#passed.push(report);
    if (report.type === "passed" && report.boundary === "acknowledged")
      this.#acknowledged.add(this.eventIdOf(report.subject) ?? "");
    if (report.type === "accepted") this.#accepted.push(report);
    if (report.type === "approved") this.#approved.push(report.subject);
  }

  /** Takes down what has come into a room's timeline. */
  read(roomId: string, events: readonly RoomEvent[]): void {
    const known = this.#timelines.get(roomId);
    if (known === undefined) this.#timelines.set(roomId, [...events]);
    else known.push(...events);
  }

  /** How many messages the product itself is through with. */
  get acknowledged(): number {
    return this.#acknowledged.size;
  }

  /** The event id of the message that a report is about. */
  eventIdOf({ eventId, nonce }: Subject): string | undefined {
    if (eventId !== undefined || nonce === undefined) return eventId;
    return this.messages.find((message) => message.nonce === nonce || message.edited === nonce)?.eventId;
  }

  evidence(seen: {
    readonly calls: readonly ModelCall[];
    readonly requests: readonly LoggedRequest[];
    readonly toolRuns: ReadonlyMap<string, number>;
    readonly count: Count;
  }): Evidence {
    const passings = this.#passed.flatMap(({ boundary, subject, at }) => {
      const eventId = this.eventIdOf(subject);
      return eventId === undefined ? [] : [{ boundary, eventId, at }];
    });
    return {
      residents: this.residents,
      messages: this.messages,
      commands: this.commands,
      timelines: this.#timelines,
      kills: this.kills,
      askings: seen.calls,
      passings,
      acceptances: this.#accepted.map(({ otid, subject, at }) => ({ otid, at, eventId: this.eventIdOf(subject) })),
      inputs: this.#told.map((told) => this.#inputNoteOf(told)),
      approved: new Set(this.#approved.flatMap((subject) => this.eventIdOf(subject) ?? [])),
      toolRuns: seen.toolRuns,
      oneTimeRequests: seen.requests.filter(isOneTime),
      arrivals: this.arrivals,
      count: seen.count,
    };
  }

  #inputNoteOf(told: Told): InputNote {
    const { otid, at } = told;
    switch (told.type) {
      case "turn":
        return { otid, at, what: told.how, eventId: this.eventIdOf(told.subject) };
      case "failed":
        return { otid, at, what: "failed", detail: told.reason };
      case "fate":
        return { otid, at, what: "fate", detail: told.state };
    }
  }
}

const oneTime = /\/(register|login|createRoom)$/;

function isOneTime({ method, path, user }: LoggedRequest): boolean {
  // An application service logs nobody in: some homeservers let it make a device in no other way.
  const makesDevice = path.endsWith("/login") && user !== undefined;
  return method === "POST" && oneTime.test(path) && !makesDevice;
}
