import { z } from "zod";
import { spoken } from "../../actors/conversation/answer.ts";
import type { RecentFinals } from "../../actors/outside/recent-finals.ts";
import { addressOf, agentUserId } from "../../machines/addresses.ts";
import { silence } from "../../machines/conversation/setup.ts";
import { type Clock, sleep } from "../../runtime/clock.ts";
import type { Host } from "../../runtime/host.ts";
import type { ActorRecord } from "../../runtime/record.ts";
import { NoSuchAgent } from "../status/find-agent.ts";
import { knownAgent } from "../status/known-agent.ts";
import { isSameAnswer } from "./same-answer.ts";

/** What Letta tells of a run that has ended. */
export interface EndedRun {
  readonly agentId: string;
  readonly stopReason?: string | undefined;
  /** What the agent said in it, message by message. */
  readonly texts: readonly string[];
  /** When it ended, ms since the epoch, as far as that is known. */
  readonly at?: number | undefined;
}

export type Verdict =
  /** Nobody in Matrix has seen it. */
  | { readonly kind: "outside"; readonly roomId: string; readonly text: string }
  /** Nothing is to be posted, and why. */
  | { readonly kind: "not-to-post"; readonly reason: string }
  /** A turn of the agent is under way, of which this may be the answer. */
  | { readonly kind: "undecided"; readonly reason: string; readonly retryAfterMs: number };

export interface OutsideRunsOptions {
  readonly host: Pick<Host, "list" | "read">;
  readonly server: string;
  readonly clock: Clock;
  readonly finals: Pick<RecentFinals, "of">;
}

const life = z.object({ life: z.union([z.string(), z.record(z.string(), z.unknown())]) });
const talk = z.object({
  agentId: z.string(),
  roomId: z.string(),
  current: z.object({ answer: z.object({ text: z.string() }).optional() }).optional(),
});
type Talk = z.output<typeof talk> & Pick<ActorRecord, "id" | "revision" | "at">;

/** How long a turn that somebody has registered keeps answers from being posted, ms. */
export const registeredFor = 300_000;
/** More are not remembered; the oldest is dropped. */
const mostRegistered = 10_000;
/** How long a turn that is under way is waited for, ms: whoever told of the run waits, too. */
const patience = 10_000;
const lookEvery = 250;
const askAgainAfter = 30_000;
/** How far the clocks of Letta and the homeserver may be apart, ms. */
const clockDifference = 3_600_000;
/** Answers that were sent longer ago are not looked at, ms. */
const longestAgo = 24 * 3_600_000;
/** Ends of a run that nobody is to see the text of. */
const broken: ReadonlySet<string> = new Set(["cancelled", "error", "requires_approval", "aborted", "llm_api_error"]);

/**
 * Tells the answers that agents gave outside of Matrix from those that Matrix asked for: these stand in a room, or will.
 * The rooms are what decides, since they know of turns that an earlier process has ended, too.
 *
 * Registrations are kept in memory only: they last for five minutes, come from programs that post the answer by
 * themselves, and one that a restart loses makes an answer stand twice, but never loses one.
 */
export class OutsideRuns {
  readonly #options: OutsideRunsOptions;
  /** Until when, by the clock that is never set. */
  readonly #registered = new Map<string, number>();

  constructor(options: OutsideRunsOptions) {
    this.#options = options;
  }

  /** Somebody else brings the agent's next answers into Matrix, for as long as {@link registeredFor}. */
  register(agentId: string): void {
    this.#registered.delete(agentId);
    this.#registered.set(agentId, this.#options.clock.elapsed() + registeredFor);
    // The oldest come first.
    for (const [known, until] of this.#registered) {
      if (this.#registered.size <= mostRegistered && until > this.#options.clock.elapsed()) break;
      this.#registered.delete(known);
    }
  }

  /** Throws NoSuchAgent. */
  async judge(run: EndedRun, signal: AbortSignal): Promise<Verdict> {
    const roomId = this.#roomOf(run.agentId);
    const { clock } = this.#options;
    const text = spoken(joined(run.texts));
    const reason = this.#reasonAgainst(run, text);
    if (reason !== undefined) return { kind: "not-to-post", reason };
    if (roomId === undefined) return undecided("the agent's room is not made yet");
    const giveUpAt = clock.elapsed() + patience;
    for (;;) {
      const talks = await this.#talksOf(run.agentId, signal);
      const busy = talks.filter(isBusy);
      try {
        if (await this.#isAnswered(run, text, roomId, talks, signal))
          return { kind: "not-to-post", reason: "it answers a message in Matrix" };
      } catch (error) {
        signal.throwIfAborted();
        return undecided("the agent's rooms cannot be read", error);
      }
      if (busy.length === 0) return { kind: "outside", roomId, text };
      while (busy.every((one) => this.#options.host.read(one.id)?.revision === one.revision)) {
        if (clock.elapsed() >= giveUpAt) return undecided("the agent is in a turn, of which this may be the answer");
        await sleep(clock, lookEvery, signal);
      }
      if (clock.elapsed() >= giveUpAt) return undecided("the agent is in a turn, of which this may be the answer");
    }
  }

  #reasonAgainst({ agentId, stopReason }: EndedRun, text: string): string | undefined {
    if (stopReason !== undefined && broken.has(stopReason)) return `the run ended with ${stopReason}`;
    if (text === "" || text === silence) return "the agent said nothing";
    const until = this.#registered.get(agentId) ?? Number.NEGATIVE_INFINITY;
    return until > this.#options.clock.elapsed() ? "its turn is registered" : undefined;
  }

  /** Where an answer of the agent belongs, once it has a room. */
  #roomOf(agentId: string): string | undefined {
    const { host, server } = this.#options;
    const record = host.read(addressOf.agent(server, agentId));
    if (record === undefined || isRetired(record))
      throw new NoSuchAgent(`there is no agent "${agentId}"`, "`letta-matrix agents` lists them.");
    return knownAgent.parse(record.context).roomId;
  }

  async #talksOf(agentId: string, signal: AbortSignal): Promise<readonly Talk[]> {
    const found: Talk[] = [];
    const { host, server } = this.#options;
    for await (const { id, revision, at, context, value } of host.list(server, "conversation", agentId)) {
      signal.throwIfAborted();
      const { data } = talk.safeParse(context);
      if (data === undefined) continue;
      // A turn that waits for people has not ended, so that nothing that has is its run.
      const { current, ...rest } = data;
      found.push({ id, revision, at, ...rest, ...(current !== undefined && !isWaiting(value) && { current }) });
    }
    return found;
  }

  async #isAnswered(
    { agentId, at }: EndedRun,
    text: string,
    roomId: string,
    talks: readonly Talk[],
    signal: AbortSignal,
  ): Promise<boolean> {
    if (talks.some(({ current }) => current?.answer !== undefined && isSameAnswer(current.answer.text, text)))
      return true;
    const { finals, server, clock } = this.#options;
    const now = clock.now();
    const since = Math.max(now - longestAgo, Math.min(at ?? now, now) - clockDifference);
    const rooms = new Set([roomId, ...talks.filter((one) => one.at >= since).map((one) => one.roomId)]);
    for (const room of rooms) {
      const texts = await finals.of(agentUserId(server, agentId), room, since, signal);
      if (texts.some((final) => isSameAnswer(final, text))) return true;
    }
    return false;
  }
}

function isBusy({ current }: Talk): boolean {
  return current !== undefined;
}

function isWaiting(value: ActorRecord["value"]): boolean {
  return typeof value === "object" && value["turn"] === "awaitingApproval";
}

function isRetired({ value }: ActorRecord): boolean {
  const { data } = life.safeParse(value);
  const outermost = typeof data?.life === "string" ? data.life : Object.keys(data?.life ?? {})[0];
  return outermost === "retired" || outermost === "retiring";
}

function joined(texts: readonly string[]): string {
  return texts
    .map((text) => text.trim())
    .filter((text) => text !== "")
    .join("\n\n");
}

function undecided(reason: string, error?: unknown): Verdict {
  const asked: unknown = Reflect.get(Object(error), "retryAfterMs");
  return { kind: "undecided", reason, retryAfterMs: typeof asked === "number" ? asked : askAgainAfter };
}
