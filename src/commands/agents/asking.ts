import { z } from "zod";
import { finalAnswerIn } from "../../actors/final-answer.ts";
import { askingMarkers } from "../../actors/marker.ts";
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

type Told = Pick<CommandContext["host"], "accept">;

interface Turn extends Talk {
  readonly id: ActorId;
}

interface Question {
  readonly agentId: string;
  readonly key: string;
  /** Where it is asked. */
  readonly room: string;
}

/** An agent that asks another one: the turns in which it may do so, and the one that is told what comes of it later. */
export class Asking {
  readonly #host: Told;
  readonly #question: Question;
  readonly #turns: readonly Turn[];
  readonly #own: Turn | undefined;

  private constructor(host: Told, question: Question, { turns, own }: { turns: readonly Turn[]; own?: Turn }) {
    this.#host = host;
    this.#question = question;
    this.#turns = turns;
    this.#own = own;
  }

  /**
   * Told later is the conversation that calls, else the only one in which the agent is answering something. None, where a
   * program asks in its name: what that is told is none of those to whom the agent talks meanwhile. And what stands in the
   * asked agent's own room needs no second telling there.
   */
  static async by(
    question: Question,
    { host, server }: Pick<CommandContext, "host" | "server">,
    { conversationId, principal }: Pick<Call, "conversationId" | "principal">,
  ): Promise<Asking> {
    const turns: Turn[] = [];
    if (principal.agentId === question.agentId)
      for await (const { id, context } of host.list(server, "conversation", question.agentId)) {
        const { data } = talk.safeParse(context);
        if (data !== undefined && (conversationId === undefined || data.conversationId === conversationId))
          turns.push({ ...data, id });
      }
    const isItself = conversationId !== undefined || principal.attached === true;
    const [only, ...others] = turns;
    const own = isItself && others.length === 0 && only?.roomId !== question.room ? only : undefined;
    return new Asking(host, question, { turns, ...(own !== undefined && { own }) });
  }

  /** Whether it is told what comes of it when nobody waits any more. */
  get comesBack(): boolean {
    return this.#own !== undefined;
  }

  /** What the message tells the asked agent's conversation. */
  get marks(): Readonly<Record<string, string>> {
    if (this.#own === undefined) return {};
    return { [askingMarkers.replyTo]: this.#own.roomId, [askingMarkers.key]: this.#question.key };
  }

  /** Who is told if it cannot be said. */
  asker({ agentId, userId }: Asker["asked"]): Asker | undefined {
    if (this.#own === undefined) return undefined;
    return { agentId: this.#question.agentId, roomId: this.#own.roomId, asked: { agentId, userId } };
  }

  /** Before it is said: an answer is taken only to what is known to have been asked. */
  async begin(name: string | undefined): Promise<void> {
    if (this.#own === undefined) return;
    const { key } = this.#question;
    const { eventId, sender, thread } = this.#own.current.question;
    const about = { eventId, sender, ...(thread !== undefined && { thread }) };
    const asked: Asked = { key, about, ...(name !== undefined && { name }) };
    await this.#host.accept(this.#own.id, { type: "ASKING", ...asked }, { id: `asking ${key}`, cause: key });
  }

  /** It was not asked, which the agent is told now, and so not again. */
  async notAsked(): Promise<void> {
    if (this.#own !== undefined) await this.#hear(this.#own, {});
  }

  /**
   * The agent is told the answer now, and so not again. What it does with it has come through that many agents, in
   * whichever of its turns: one that hears without end would else ask without end.
   */
  async heard(hops: number): Promise<void> {
    await Promise.all(this.#turns.map((turn) => this.#hear(turn, { hops })));
  }

  async #hear({ id }: Turn, how: { readonly hops?: number }): Promise<void> {
    const { key } = this.#question;
    await this.#host.accept(id, { type: "HEARD", key, ...how }, { id: `heard ${key}`, cause: key });
  }
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
