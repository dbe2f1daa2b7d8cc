import { z } from "zod";
import type { GrowingAnswers } from "../../actors/conversation/growing.ts";
import { addressOf } from "../../machines/addresses.ts";
import { type Clock, sleep } from "../../runtime/clock.ts";
import type { Host } from "../../runtime/host.ts";
import type { ActorRecord } from "../../runtime/record.ts";

export interface WatchedAnswer {
  readonly outcome: "answer" | "error";
  readonly text: string;
}

const talk = z.object({
  current: z
    .object({
      question: z.object({ eventId: z.string(), returned: z.unknown().optional() }),
      answer: z.object({ outcome: z.enum(["answer", "error"]), text: z.string() }).optional(),
    })
    .optional(),
});

/** What an agent answers to one message in a room, as soon as that is written down. */
export class AnswerWatch {
  readonly #host: Pick<Host, "subscribe" | "read">;
  readonly #server: string;
  readonly #clock: Clock;
  readonly #growing: Pick<GrowingAnswers, "listen">;

  constructor(
    host: Pick<Host, "subscribe" | "read">,
    server: string,
    clock: Clock,
    growing: Pick<GrowingAnswers, "listen">,
  ) {
    this.#growing = growing;
    this.#host = host;
    this.#server = server;
    this.#clock = clock;
  }

  /**
   * `onDraft` hears what there is of it so far. `undefined` when there is none within `patience` ms, when nobody waits any
   * more, or when the agent has ended its turn without one.
   */
  async wait(
    { agentId, roomId, eventId }: { readonly agentId: string; readonly roomId: string; readonly eventId: string },
    patience: number,
    signal: AbortSignal,
    onDraft?: (text: string) => void,
  ): Promise<WatchedAnswer | undefined> {
    const conversation = addressOf.conversation(this.#server, agentId, roomId);
    const over = new AbortController();
    const found = Promise.withResolvers<WatchedAnswer | undefined>();
    let isBegun = false;
    const look = (record: Pick<ActorRecord, "context"> | undefined): void => {
      const { data } = talk.safeParse(record?.context);
      const { question, answer } = data?.current ?? {};
      if (question?.eventId !== eventId || question.returned !== undefined) {
        if (isBegun) found.resolve(undefined);
        return;
      }
      isBegun = true;
      if (answer !== undefined) found.resolve(answer);
    };
    const unsubscribe = this.#host.subscribe(({ record }) => {
      if (record.id === conversation) look(record);
    });
    const deafen = onDraft && this.#growing.listen({ agentId, eventId }, onDraft);
    try {
      look(this.#host.read(conversation));
      const nobodyWaits = AbortSignal.any([signal, over.signal]);
      const late = sleep(this.#clock, patience, nobodyWaits).catch(() => undefined);
      return await Promise.race([found.promise, late.then(() => undefined)]);
    } finally {
      unsubscribe();
      deafen?.();
      over.abort();
    }
  }
}
