import type { Ledger } from "./ledger.ts";
import type { Person } from "./person.ts";
import type { Report } from "./protocol.ts";

type Request = Extract<Report, { type: "request" }>;

/** Says of each tool call that people are asked about what the plan has them say. */
export class Decider {
  readonly #people: readonly Person[];
  readonly #ledger: Ledger;
  readonly #decided = new Set<string>();

  constructor(people: readonly Person[], ledger: Ledger) {
    this.#people = people;
    this.#ledger = ledger;
  }

  decide({ roomId, eventId, subject }: Request): void {
    const message = this.#ledger.messages.find((one) => one.eventId === subject.eventId);
    const person = message && this.#people[message.person];
    if (message?.decision === undefined || person === undefined || this.#decided.has(eventId)) return;
    this.#decided.add(eventId);
    const { decision } = message;
    const say = async (): Promise<void> => {
      if (decision === "✅" || decision === "❌") return await person.react(roomId, eventId, decision);
      const at = Date.now();
      const content = { msgtype: "m.text", body: `!${decision}` };
      const command = await person.send(roomId, `decision-on-${eventId}`, content);
      this.#ledger.commands.push({ name: decision, roomId, eventId: command, at });
    };
    // A decision that could not be said shows in the room: it does not come to rest.
    say().catch(() => undefined);
  }
}
