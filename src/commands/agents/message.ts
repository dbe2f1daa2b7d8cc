import { z } from "zod";
import { askingMarkers } from "../../actors/marker.ts";
import type { Command, CommandContext } from "../command.ts";
import { assertOwnKey, NotDone, RoomBusy, run } from "../messages/errand.ts";
import { idempotencyKey, named } from "../messages/naming.ts";
import { asAgent, NotYours } from "../messages/speaker.ts";
import { agentReference } from "../reference.ts";
import { recordOfAgent, recordOfAgentLike } from "../status/find-agent.ts";
import { type KnownAgent, knownAgent } from "../status/known-agent.ts";
import { unservedAs } from "../status/served.ts";
import { agentOf } from "../status/views.ts";
import { Asking, answerTo } from "./asking.ts";
import { marksOf } from "./hops.ts";

/** Longer nobody waits for an answer, s. */
const longestWait = 60;

const input = z.strictObject({
  to: agentReference.describe("The agent that is asked: its name, id or user id."),
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
  comesBack: z
    .literal(true)
    .exactOptional()
    .describe(
      "You are told the answer, as a message of its own, when you are done with what you do now: do not ask again.",
    ),
});

type Needs = "host" | "server" | "botUserId" | "waits" | "answers" | "sessions" | "talk";

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
    const record = await recordOfAgentLike(to, host, server);
    const target = knownAgent.parse(record.context);
    const sender = await senderOf(agent, call.principal.agentId, needs);
    if (sender.agentId === target.agentId) throw new OwnSelf();
    const life = unservedAs(agentOf(record, host));
    if (life === "retired" || life === "retiring") throw new AgentRetired(to);
    const { roomId: room } = target;
    if (room === undefined) throw new NoRoomYet(to);
    const name = named(call, key, { command: "agents.message", given: { text } });
    const wish = { userId: sender.userId, roomId: room, ...name };
    const end = wait > 0 ? needs.waits.begin(sender.agentId, target.agentId) : undefined;
    try {
      const marks = await marksOf(sender, needs);
      const asking = await Asking.by({ agentId: sender.agentId, key: name.key, room }, needs, call);
      assertOwnKey(wish, needs);
      await asking.begin(target.name);
      const asker = asking.asker(target);
      const what = {
        kind: "message" as const,
        text,
        mentions: [target.userId],
        host: target.userId,
        marks: { ...marks, ...asking.marks },
        ...(asker !== undefined && { asker }),
      };
      const said = await run({ ...wish, what }, needs, call).catch(async (error: unknown) => {
        if (error instanceof NotDone || error instanceof RoomBusy) await asking.notAsked();
        throw error;
      });
      const [event] = said.events;
      const asked = {
        to: { agentId: target.agentId, ...(target.name !== undefined && { name: target.name }) },
        room,
        ...(event !== undefined && { event }),
        ...(asking.comesBack && { comesBack: true as const }),
      };
      if (event === undefined) return { state: "accepted" as const, ...asked };
      if (wait === 0) return { state: "asked" as const, ...asked };
      call.news?.({ event: "message", data: asked });
      const called = target.name ?? target.agentId;
      call.progress?.(`waiting for ${called}`);
      const place = { agentId: target.agentId, userId: target.userId, roomId: room, eventId: event };
      const { news, progress } = call;
      const who = asked.to;
      const onDraft = (sofar: string): void => {
        news?.({ event: "draft", data: { ...who, text: sofar } });
        progress?.(`${called} has written ${sofar.length} characters so far`);
      };
      const isFollowed = news !== undefined || progress !== undefined;
      const patience = { reader: sender.userId, patience: wait * 1_000, ...(isFollowed && { onDraft }) };
      const answer = await answerTo(place, patience, needs, call.signal);
      if (answer === undefined || call.signal.aborted) return { state: "asked" as const, ...asked };
      await asking.heard(marks[askingMarkers.hops] + 1);
      const { outcome, text: words } = answer;
      news?.({ event: "answer", data: { ...who, outcome, text: words } });
      const { comesBack: _, ...known } = asked;
      return { state: "answered" as const, ...known, answer: { outcome, text: words } };
    } finally {
      end?.();
    }
  },
};

async function senderOf(
  agent: string | undefined,
  bound: string | undefined,
  { host, server }: Pick<CommandContext, "host" | "server">,
): Promise<KnownAgent> {
  const wanted = agent ?? bound;
  if (wanted === undefined) throw new NobodyAsks();
  const sender = knownAgent.parse((await recordOfAgent(wanted, host, server)).context);
  if (bound !== undefined && sender.agentId !== bound) throw new NotYours(wanted);
  return sender;
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
export class AgentRetired extends Error {
  override readonly name = "AgentRetired";
  readonly remedy = "Ask another agent. This one comes back by itself when Letta has it again.";

  constructor(agent: string) {
    super(`"${agent}" is retired: Letta does not have it any more`);
  }
}

/** Nothing was said. */
export class NoRoomYet extends Error {
  override readonly name = "NoRoomYet";
  readonly remedy = "Its room is being made: try again in a moment.";

  constructor(agent: string) {
    super(`"${agent}" has no room yet`);
  }
}
