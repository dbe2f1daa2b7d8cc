import type { Errand, outboxMachine } from "../../machines/outbox.ts";
import { type Content, type MatrixClient, MatrixError } from "../../matrix/port.ts";
import { transactionId } from "../../matrix/transaction-id.ts";
import type { ChildEffects } from "../../runtime/effect.ts";
import type { Markdown } from "../conversation/markdown.ts";
import { splitForEvents } from "../conversation/split.ts";
import { say, sayOnce } from "../said.ts";
import type { Sessions } from "../sessions.ts";
import { editContent, fileContent, messageContent, reactionContent } from "./content.ts";

export interface CarryOutDependencies {
  readonly sessions: Pick<Sessions, "as">;
  readonly markdown: Markdown;
  /** The bot speaks wherever an agent lives. */
  readonly botUserId: string;
  /** The agent's user whose own room it is. */
  hostOf(roomId: string): Promise<string | undefined>;
}

type OutboxEffects = ChildEffects<typeof outboxMachine>;

/** Sends what an errand says, under names that are the same whoever sends it again. */
export function carryOut(dependencies: CarryOutDependencies): OutboxEffects["carryOut"] {
  return async ({ userId, roomId, errand, mayBeDone }, { signal, restarted }) => {
    const { sessions, markdown, botUserId, hostOf } = dependencies;
    const client = sessions.as(userId).at("conversation");
    const sender = new Sender(client, roomId, errand.key, restarted || mayBeDone, signal);
    const { what } = errand;
    switch (what.kind) {
      case "message": {
        const contents = contentsOf(errand, markdown);
        const host = async () => what.host ?? (userId === botUserId ? await hostOf(roomId) : undefined);
        return await letIn(sessions, host, client, roomId, signal, () => sender.sayAll(contents));
      }
      case "file": {
        const host = async () => (userId === botUserId ? await hostOf(roomId) : undefined);
        return await letIn(sessions, host, client, roomId, signal, () => sender.sayAll([fileContent(what)]));
      }
      case "edit":
        return await sender.sayAll([editContent(what, markdown)]);
      case "reaction":
        return [await sender.react(reactionContent(what))];
      case "redaction":
        await sender.redact(what.event);
        return [what.event];
    }
  };
}

/** Lets a user of ours in by whom the room is, where it turns out that it is not in there. */
async function letIn<T>(
  sessions: Pick<Sessions, "as">,
  hostOf: () => Promise<string | undefined>,
  guest: MatrixClient,
  roomId: string,
  signal: AbortSignal,
  act: () => Promise<T>,
): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (!(error instanceof MatrixError && error.kind === "forbidden")) throw error;
    const host = await hostOf();
    if (host === undefined) throw error;
    await sessions.as(host).at("conversation").invite(roomId, guest.userId, signal);
    await guest.join(roomId, signal);
    return await act();
  }
}

/** One message, or several where the text is longer than an event may be. */
function contentsOf({ what }: Errand, markdown: Markdown): readonly Content[] {
  if (what.kind !== "message") return [];
  const asContent = (text: string): Content => messageContent({ ...what, text }, markdown);
  return splitForEvents(what.text, asContent).map(asContent);
}

class Sender {
  readonly #client: MatrixClient;
  readonly #roomId: string;
  readonly #key: string;
  readonly #mayBeSaid: boolean;
  readonly #signal: AbortSignal;

  constructor(client: MatrixClient, roomId: string, key: string, mayBeSaid: boolean, signal: AbortSignal) {
    this.#client = client;
    this.#roomId = roomId;
    this.#key = key;
    this.#mayBeSaid = mayBeSaid;
    this.#signal = signal;
  }

  async sayAll(contents: readonly Content[]): Promise<string[]> {
    const events: string[] = [];
    for (const [index, content] of contents.entries()) {
      const saying = { roomId: this.#roomId, txnId: this.#name("m.room.message", `${index + 1}`), content };
      events.push(await (this.#mayBeSaid ? sayOnce : say)(this.#client, saying, this.#signal));
    }
    return events;
  }

  /** A homeserver takes the same sign of the same user once: that it stands there already is what was wanted. */
  async react(content: Content): Promise<string> {
    const type = "m.reaction";
    try {
      return await this.#client.send(this.#roomId, type, this.#name(type, "1"), content, this.#signal);
    } catch (error) {
      if (error instanceof MatrixError && error.errcode === "M_DUPLICATE_ANNOTATION") return "";
      throw error;
    }
  }

  async redact(eventId: string): Promise<void> {
    await this.#client.redact(this.#roomId, eventId, this.#name("m.room.redaction", "1"), this.#signal);
  }

  #name(type: string, part: string): string {
    return transactionId({ agent: this.#client.userId, room: this.#roomId, type, cause: this.#key, part });
  }
}
