import { setTimeout as sleep } from "node:timers/promises";
import type { Resident } from "./evidence.ts";
import { bodyOf, type PlannedMessage, type SaidCommand, type SentMessage } from "./messages.ts";
import type { Person } from "./person.ts";

/** What people say in the agents' rooms: in each room one message after the other, the rooms side by side. */
export class Talk {
  readonly #residents: readonly Resident[];
  readonly #people: readonly Person[];
  readonly #onSent: (message: SentMessage) => void;
  readonly #onCommand: (command: SaidCommand) => void;
  readonly #rooms = new Map<number, Promise<readonly SentMessage[]>>();

  constructor(
    residents: readonly Resident[],
    people: readonly Person[],
    on: { readonly sent: (message: SentMessage) => void; readonly commanded: (command: SaidCommand) => void },
  ) {
    this.#residents = residents;
    this.#people = people;
    this.#onSent = on.sent;
    this.#onCommand = on.commanded;
  }

  /** Resolves when all of them stand in their rooms. */
  async say(messages: readonly PlannedMessage[]): Promise<void> {
    await Promise.all(
      messages.map((message) => {
        const before = this.#rooms.get(message.agent) ?? Promise.resolve([]);
        const after = before.then(async (sent) => [...sent, await this.#send(message, sent)]);
        this.#rooms.set(message.agent, after);
        return after;
      }),
    );
  }

  async #send(message: PlannedMessage, before: readonly SentMessage[]): Promise<SentMessage> {
    const resident = this.#residents[message.agent];
    const person = this.#people[message.person];
    if (resident === undefined || person === undefined) throw new RangeError("the plan has more agents or people");
    const { roomId } = resident;
    const place = placeOf(message, before);
    const body = bodyOf(message, message.nonce);
    const content = { msgtype: "m.text", body, ...relationTo(place) };
    const eventId = await person.send(roomId, message.nonce, content);
    const sent: SentMessage = { ...message, ...place, roomId, eventId };
    this.#onSent(sent);
    if (message.edited !== undefined) {
      const edited = { msgtype: "m.text", body: bodyOf(message, message.edited) };
      await person.send(roomId, message.edited, {
        ...edited,
        body: `* ${edited.body}`,
        "m.new_content": edited,
        "m.relates_to": { rel_type: "m.replace", event_id: eventId },
      });
    }
    for (const { name, after } of message.commands ?? []) {
      await sleep(after);
      const at = Date.now();
      const id = await person.send(roomId, `${message.nonce}-${name}`, { msgtype: "m.text", body: `!${name}` });
      this.#onCommand({ name, roomId, eventId: id, at });
    }
    return sent;
  }
}

type Placed = Pick<SentMessage, "inReplyTo" | "thread">;

function placeOf({ place }: PlannedMessage, before: readonly SentMessage[]): Placed {
  const answered = place === undefined ? undefined : before[place.after];
  if (place === undefined || answered === undefined) return {};
  const { eventId: inReplyTo, thread = inReplyTo } = answered;
  return place.kind === "thread" ? { inReplyTo, thread } : { inReplyTo };
}

function relationTo({ inReplyTo, thread }: Placed): object {
  if (inReplyTo === undefined) return {};
  const reply = { "m.in_reply_to": { event_id: inReplyTo } };
  return {
    "m.relates_to":
      thread === undefined ? reply : { ...reply, rel_type: "m.thread", event_id: thread, is_falling_back: true },
  };
}
