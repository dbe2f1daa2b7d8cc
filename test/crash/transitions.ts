import { z } from "zod";
import type { Host, Transition } from "../../src/runtime/host.ts";
import type { ActorRecord } from "../../src/runtime/record.ts";
import type { Watch } from "./watched-ports.ts";

const question = z.object({ eventId: z.string() });
const conversation = z.object({
  roomId: z.string(),
  queue: z.array(question),
  current: z.object({ question, approval: z.object({ eventId: z.string().optional() }).optional() }).optional(),
});
const agent = z.object({ userId: z.string() });

/** The boundaries that are commits of the product's own host. */
export class TransitionWatch {
  readonly #watch: Watch;
  /** The question in answering, by conversation. */
  readonly #current = new Map<string, string>();
  /** Rooms whose conversation is not idle. */
  readonly #busy = new Set<string>();
  /** Conversations whose state is known. */
  readonly #seen = new Set<string>();
  #knowsAll = false;

  constructor(watch: Watch) {
    this.#watch = watch;
  }

  /** Reads what an earlier process left, then follows each commit. */
  async follow(host: Host, serverName: string): Promise<void> {
    host.subscribe((transition) => this.#see(transition));
    for await (const record of host.list(serverName, "conversation"))
      if (!this.#seen.has(record.id)) this.#note(record);
    this.#knowsAll = true;
    this.#reportBusy();
  }

  #see({ record, line }: Transition): void {
    const { points, report } = this.#watch;
    points.pulse();
    if (record.machine === "agent") return this.#seeAgent({ record, line });
    if (record.machine !== "conversation") return;
    const before = this.#current.get(record.id);
    const { roomId, queue, current } = this.#note(record);
    this.#reportBusy();
    const taken = queue.at(-1)?.eventId ?? current?.question.eventId;
    if (line.event === "MESSAGE" && taken !== undefined) points.pass("committed", { eventId: taken });
    if (line.to === "replying" && line.from !== "replying" && current !== undefined)
      points.pass("final-committed", { eventId: current.question.eventId });
    if (line.event === "APPROVAL_SHOWN" && current?.approval?.eventId !== undefined)
      report({ type: "request", roomId, eventId: current.approval.eventId, subject: current.question });
    if (line.event === "APPROVE" || line.event === "DENY") points.pass("decision committed", { eventId: before });
    if (line.event === "STOP") points.pass("stop committed", { eventId: before });
    if (line.event === "RETRY") points.pass("retry committed", { eventId: queue.at(-1)?.eventId ?? before });
    if (line.event === "xstate.done.actor.reply") points.pass("acknowledged", { eventId: before });
  }

  #seeAgent({ record, line }: Transition): void {
    if (line.event !== "xstate.done.actor.poll" && line.event !== "xstate.done.actor.catchUp") return;
    const { userId } = agent.parse(record.context);
    for (const eventId of this.#watch.arrived.get(userId) ?? []) this.#watch.points.pass("committed", { eventId });
  }

  #note(record: ActorRecord): z.infer<typeof conversation> {
    const context = conversation.parse(record.context);
    if (context.current === undefined) this.#current.delete(record.id);
    else this.#current.set(record.id, context.current.question.eventId);
    if (record.value === "idle") this.#busy.delete(context.roomId);
    else this.#busy.add(context.roomId);
    this.#seen.add(record.id);
    return context;
  }

  #reportBusy(): void {
    if (this.#knowsAll) this.#watch.report({ type: "busy", rooms: [...this.#busy] });
  }
}
