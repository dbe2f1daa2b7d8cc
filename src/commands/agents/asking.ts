import { z } from "zod";
import { finalAnswerIn } from "../../actors/final-answer.ts";
import { askingMarkers } from "../../actors/marker.ts";
import { addressOf, agentOf } from "../../machines/addresses.ts";
import type { Asked } from "../../machines/conversation/context.ts";
import type { Asker } from "../../machines/outbox.ts";
import type { ActorId } from "../../runtime/actor-id.ts";
import type { Call, CommandContext } from "../command.ts";
import type { WatchedAnswer } from "./answer-watch.ts";

const talk = z.object({
  roomId: z.string(),
  conversationId: z.string().optional(),
  current: z.object({
    question: z.object({ eventId: z.string(), sender: z.string(), thread: z.string().exactOptional() }),
  }),
});

type Talk = z.output<typeof talk>;

/** The conversation in which an agent is while it asks another one: there it is told what comes of it, if nobody waits. */
export class Asking {
  readonly #host: Pick<CommandContext["host"], "accept">;
  readonly #id: ActorId;
  readonly #talk: Talk;
  readonly #key: string;

  constructor(
    host: Pick<CommandContext["host"], "accept">,
    id: ActorId,
    { talk: found, key }: { talk: Talk; key: string },
  ) {
    this.#host = host;
    this.#id = id;
    this.#talk = found;
    this.#key = key;
  }

  /** What the message tells the asked agent's conversation. */
  get marks(): Readonly<Record<string, string>> {
    return { [askingMarkers.replyTo]: this.#talk.roomId, [askingMarkers.key]: this.#key };
  }

  /** Who is told if it cannot be said. */
  asker({ agentId, userId }: Asker["asked"]): Asker {
    return { agentId: agentOf(this.#id), roomId: this.#talk.roomId, asked: { agentId, userId } };
  }

  /** Before it is said: an answer is taken only to what is known to have been asked. */
  async begin(name: string | undefined): Promise<void> {
    const { eventId, sender, thread } = this.#talk.current.question;
    const about = { eventId, sender, ...(thread !== undefined && { thread }) };
    const asked: Asked = { key: this.#key, about, ...(name !== undefined && { name }) };
    await this.#host.accept(this.#id, { type: "ASKING", ...asked }, { id: `asking ${this.#key}`, cause: this.#key });
  }

  /** Whoever has asked is told now, and so not again. */
  async end(): Promise<void> {
    const options = { id: `heard ${this.#key}`, cause: this.#key };
    await this.#host.accept(this.#id, { type: "HEARD", key: this.#key }, options);
  }
}

/**
 * Where `agentId` is asking from: the conversation that calls, else the only one in which it is answering something.
 * Nowhere, where a program asks in its name: what that is told is none of those to whom the agent talks meanwhile. And what
 * stands in the asked agent's own room needs no second telling there.
 */
export async function askingFrom(
  { agentId, key, room }: { readonly agentId: string; readonly key: string; readonly room: string },
  { host, server }: Pick<CommandContext, "host" | "server">,
  { conversationId, principal }: Pick<Call, "conversationId" | "principal">,
): Promise<Asking | undefined> {
  if (conversationId === undefined && principal.attached !== true) return undefined;
  const found: Talk[] = [];
  for await (const { context } of host.list(server, "conversation", agentId)) {
    const { data } = talk.safeParse(context);
    if (data !== undefined && (conversationId === undefined || data.conversationId === conversationId))
      found.push(data);
  }
  const [only, ...others] = found;
  if (only === undefined || others.length > 0 || only.roomId === room) return undefined;
  return new Asking(host, addressOf.conversation(server, agentId, only.roomId), { talk: only, key });
}

interface Place {
  readonly agentId: string;
  readonly userId: string;
  readonly roomId: string;
  readonly eventId: string;
}

/**
 * The answer of the asked agent, whichever shows first: what it writes down now, or what stands in the room already, where
 * a call is repeated.
 */
export async function answerTo(
  { userId, ...place }: Place,
  { reader, patience, onDraft }: { readonly reader: string; readonly patience: number; onDraft?(text: string): void },
  { answers, sessions }: Pick<CommandContext, "answers" | "sessions">,
  signal: AbortSignal,
): Promise<WatchedAnswer | undefined> {
  const found = new AbortController();
  const until = AbortSignal.any([signal, found.signal]);
  try {
    const written = answers.wait(place, patience, until, onDraft);
    const request = { dir: "b" as const, limit: 100, types: ["m.room.message"] };
    const read = sessions.as(reader).at("conversation").messages(place.roomId, request, until);
    // A room that cannot be read now keeps nobody from waiting.
    const standing = read.then(
      ({ chunk }) => finalAnswerIn(chunk, userId, place.eventId),
      () => undefined,
    );
    return await Promise.race([written, standing.then((answer) => answer ?? written)]);
  } finally {
    found.abort();
  }
}
