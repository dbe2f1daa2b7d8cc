import { z } from "zod";
import { finalAnswerIn } from "../../actors/final-answer.ts";
import { addressOf } from "../../machines/addresses.ts";
import type { Call, CommandContext } from "../command.ts";
import { type KnownAgent, knownAgent } from "../status/known-agent.ts";
import type { DoneInRoom } from "./errand.ts";
import type { Speaker } from "./speaker.ts";

/** Longer nobody waits for answers, s. */
const longestWait = 300;

export const waitForAnswers = z
  .int()
  .min(0)
  .max(longestWait)
  .default(0)
  .describe(
    "How many seconds to wait for the answers of the agents that it is for; 0 for not at all. They stand in the room in any case.",
  );

export const answers = z
  .array(
    z.object({
      agentId: z.string(),
      name: z.string().exactOptional(),
      outcome: z.enum(["answer", "error"]),
      text: z.string(),
    }),
  )
  .exactOptional()
  .describe("What was answered, if it was waited for and came in time.");

type Answers = NonNullable<z.output<typeof answers>>;
type Needs = "host" | "server" | "clock" | "answers" | "waits" | "sessions";

const talk = z.object({
  queue: z.array(z.object({ eventId: z.string() })),
  current: z.object({ question: z.object({ eventId: z.string() }) }).optional(),
});

export interface Saying {
  readonly room: string;
  readonly mentions?: readonly string[];
  readonly speaker: Speaker;
  /** Seconds. */
  readonly wait: number;
  /** It may have been said, and answered, before. */
  readonly isRepeatable: boolean;
}

/**
 * Says something by `say`, and waits for what the agents answer that it is for. Throws {@link NobodyAnswers} and Deadlock
 * before anything is said.
 */
export async function sayAndWait(
  saying: Saying,
  say: () => Promise<DoneInRoom>,
  context: Pick<CommandContext, Needs>,
  call: Call,
): Promise<DoneInRoom & { answers?: Answers }> {
  const { clock, waits } = context;
  const { speaker, room, wait, isRepeatable } = saying;
  const listeners = await listenersIn(saying, context);
  if (listeners.length === 0) throw new NobodyAnswers();
  const until = clock.now() + wait * 1_000;
  const from = speaker.agent?.agentId;
  const ends: (() => void)[] = [];
  try {
    if (from !== undefined) for (const { agentId } of listeners) ends.push(waits.begin(from, agentId));
    const said = await say();
    call.news?.({ event: "message", data: said });
    const owed = said.events.flatMap((eventId) =>
      listeners.map((listener) => ({ ...listener, roomId: room, eventId })),
    );
    const given = await Promise.all(
      owed.map(async ({ name, ...place }) => {
        const who = { agentId: place.agentId, ...(name !== undefined && { name }) };
        const earlier = isRepeatable ? await earlierAnswer(place, speaker, context, call.signal) : undefined;
        const answer = earlier ?? (await context.answers.wait(place, until - clock.now(), call.signal, tellDraft(who)));
        if (answer === undefined) return [];
        const told = { ...who, outcome: answer.outcome, text: answer.text };
        call.news?.({ event: "answer", data: told });
        return [told];
      }),
    );
    return { ...said, answers: given.flat() };
  } finally {
    for (const end of ends) end();
  }

  function tellDraft(who: { readonly agentId: string; readonly name?: string }) {
    const { news } = call;
    return news && ((text: string) => news({ event: "draft", data: { ...who, text } }));
  }
}

/** Those whose room it is, or who are mentioned. */
async function listenersIn(
  { room, mentions = [], speaker }: Saying,
  { host, server }: Pick<CommandContext, "host" | "server">,
): Promise<readonly KnownAgent[]> {
  const found: KnownAgent[] = [];
  for await (const { context } of host.list(server, "agent")) {
    const { data } = knownAgent.safeParse(context);
    if (data === undefined || data.userId === speaker.userId) continue;
    if (data.roomId === room || mentions.includes(data.userId)) found.push(data);
  }
  return found;
}

/** What stands in the room already, where the agent is done with the message. */
async function earlierAnswer(
  { agentId, userId, roomId, eventId }: Required<Omit<KnownAgent, "name" | "paused">> & { readonly eventId: string },
  speaker: Speaker,
  { host, server, sessions }: Pick<CommandContext, "host" | "server" | "sessions">,
  signal: AbortSignal,
) {
  const { data } = talk.safeParse(host.read(addressOf.conversation(server, agentId, roomId))?.context);
  const held = [...(data?.queue ?? []), ...(data?.current === undefined ? [] : [data.current.question])];
  if (held.some((question) => question.eventId === eventId)) return undefined;
  const request = { dir: "b" as const, limit: 100, types: ["m.room.message"] };
  const { chunk } = await sessions.as(speaker.userId).at("conversation").messages(roomId, request, signal);
  return finalAnswerIn(chunk, userId, eventId);
}

/** Nothing was said. */
export class NobodyAnswers extends Error {
  override readonly name = "NobodyAnswers";
  override readonly message = "no agent would answer this: it is nobody else's own room, and mentions none";
  readonly remedy = "Mention an agent that is in the room, or send it without waiting.";
}
