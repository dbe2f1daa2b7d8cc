import { z } from "zod";
import type { ActorRecord } from "../../runtime/record.ts";
import type { Command, CommandContext } from "../command.ts";
import { run } from "../messages/errand.ts";
import { asAgent, causeOf, idempotencyKey, NotYours } from "../messages/speaker.ts";
import { recordOfAgent, recordOfAgentLike } from "../status/find-agent.ts";
import { marksOf } from "./hops.ts";

/** Longer nobody waits for an answer, s. */
const longestWait = 60;

const input = z.strictObject({
  to: z.string().min(1).max(255).describe("The agent that is asked: its name, id or user id."),
  text: z.string().min(1).max(200_000).describe("What it is told, in Markdown."),
  agent: asAgent,
  wait: z
    .int()
    .min(0)
    .max(longestWait)
    .default(0)
    .describe("How many seconds to wait for the answer; 0 for not at all. The answer stands in its room in any case."),
  key: idempotencyKey,
});

const output = z.object({
  state: z
    .enum(["answered", "asked", "accepted"])
    .describe("`accepted`: it is written down, and will be said as soon as the homeserver takes it."),
  to: z.object({ agentId: z.string(), name: z.string().exactOptional() }),
  room: z.string().describe("The asked agent's room, where both stand."),
  event: z.string().exactOptional().describe("The message's id."),
  answer: z
    .object({ outcome: z.enum(["answer", "error"]), text: z.string() })
    .exactOptional()
    .describe("What the agent said, if it was waited for and came in time."),
});

const context = z.object({
  agentId: z.string(),
  userId: z.string(),
  name: z.string().optional(),
  roomId: z.string().optional(),
});

type Needs = "host" | "server" | "botUserId" | "waits" | "answers" | "talk";

/** An agent asks another one, as itself, in the other one's room. */
export const agentsMessage: Command<typeof input, typeof output, Needs> = {
  name: "agents.message",
  summary: "An agent says something to another agent, in that one's room, and may wait for its answer.",
  guidance:
    "To ask another agent, or tell it something. It sees which agent asks. To write into any other room take `messages.send`.",
  scope: "agents:message",
  changes: true,
  input,
  output,
  async run({ to, text, agent, wait, key }, needs, call) {
    const { host, server } = needs;
    const target = context.parse((await recordOfAgentLike(to, host, server)).context);
    const sender = context.parse((await senderOf(agent, call.principal.agentId, needs)).context);
    if (sender.agentId === target.agentId) throw new OwnSelf();
    const { roomId: room } = target;
    if (room === undefined) throw new NoRoomYet(to);
    const end = wait > 0 ? needs.waits.begin(sender.agentId, target.agentId) : undefined;
    try {
      const marks = await marksOf(sender, needs);
      const what = { kind: "message" as const, text, mentions: [target.userId], host: target.userId, marks };
      const said = await run({ userId: sender.userId, roomId: room, key: causeOf(call, key), what }, needs, call);
      const [event] = said.events;
      const asked = {
        to: { agentId: target.agentId, ...(target.name !== undefined && { name: target.name }) },
        room,
        ...(event !== undefined && { event }),
      };
      if (event === undefined) return { state: "accepted" as const, ...asked };
      if (wait === 0) return { state: "asked" as const, ...asked };
      call.news?.({ event: "message", data: asked });
      call.progress?.(`waiting for ${target.name ?? target.agentId}`);
      const place = { agentId: target.agentId, roomId: room, eventId: event };
      const { news } = call;
      const who = asked.to;
      const onDraft = news && ((sofar: string) => news({ event: "draft", data: { ...who, text: sofar } }));
      const answer = await needs.answers.wait(place, wait * 1_000, call.signal, onDraft);
      if (answer !== undefined)
        news?.({ event: "answer", data: { ...who, outcome: answer.outcome, text: answer.text } });
      return answer === undefined
        ? { state: "asked" as const, ...asked }
        : { state: "answered" as const, ...asked, answer: { outcome: answer.outcome, text: answer.text } };
    } finally {
      end?.();
    }
  },
};

async function senderOf(
  agent: string | undefined,
  bound: string | undefined,
  { host, server }: Pick<CommandContext, "host" | "server">,
): Promise<ActorRecord> {
  const wanted = agent ?? bound;
  if (wanted === undefined) throw new NobodyAsks();
  const record = await recordOfAgent(wanted, host, server);
  if (bound !== undefined && context.parse(record.context).agentId !== bound) throw new NotYours(wanted);
  return record;
}

/** Nothing was said. */
export class NobodyAsks extends Error {
  override readonly name = "NobodyAsks";
  override readonly message = "no agent is named that asks, and the token is bound to none";
  readonly remedy = "Name the agent that asks, or use a token that is bound to it.";
}

/** Nothing was said. */
export class OwnSelf extends Error {
  override readonly name = "OwnSelf";
  override readonly message = "an agent does not ask itself";
  readonly remedy = "Name another agent.";
}

/** Nothing was said. */
export class NoRoomYet extends Error {
  override readonly name = "NoRoomYet";
  readonly remedy = "Its room is being made: try again in a moment.";

  constructor(agent: string) {
    super(`"${agent}" has no room yet`);
  }
}
