import { z } from "zod";
import { addressOf } from "../../machines/addresses.ts";
import { type Deed, mostQueued } from "../../machines/outbox.ts";
import type { Call, CommandContext } from "../command.ts";

/** What became of something that was to be done in a room. */
export const done = z.object({
  state: z
    .enum(["done", "accepted"])
    .describe("`accepted`: it is written down, and will be done as soon as the homeserver takes it."),
  events: z.array(z.string()).describe("The ids of the events that it has become; empty while it is only accepted."),
  key: z.string().describe("Names it in our records."),
});

export type DoneInRoom = z.output<typeof done>;

const report = z.union([
  z.object({ key: z.string(), events: z.array(z.string()) }),
  z.object({ key: z.string(), failed: z.string(), kind: z.string(), remedy: z.string().exactOptional() }),
  z.object({ key: z.string(), unknown: z.literal(true) }),
]);

/** How long a caller waits to hear the event ids, ms; what it wanted goes on after that. */
const patience = 10_000;
const keyed = z.array(z.object({ key: z.string() }));
const remembered = z.object({ queue: keyed, done: keyed });

/** Where they are. */
interface Outboxes extends Pick<CommandContext, "server"> {
  readonly host: Pick<CommandContext["host"], "accept" | "ask" | "read">;
}

export interface Wish {
  readonly userId: string;
  readonly roomId: string;
  /** Names it. */
  readonly key: string;
  readonly what: Deed;
}

/**
 * Has one of our users do something in a room. Resolves when it is durable, with what became of it if that is known soon.
 * Throws {@link RoomBusy} and {@link NotDone}, and what the host throws when it takes nothing; nothing else once it is
 * durable.
 */
export async function run(
  { userId, roomId, key, what }: Wish,
  { host, server }: Outboxes,
  { signal }: Pick<Call, "signal">,
): Promise<DoneInRoom> {
  const outbox = addressOf.outbox(server, userId, roomId);
  const { queue = [], done = [] } = remembered.safeParse(host.read(outbox)?.context).data ?? {};
  const isKnown = [...queue, ...done].some((one) => one.key === key);
  if (!isKnown && queue.length >= mostQueued) throw new RoomBusy(queue.length);
  await host.accept(outbox, { type: "SEND", errand: { key, what } }, { id: key, cause: key });
  // It is durable: whoever were told now that it failed, for whatever reason, would say it again.
  const told = await host.ask(outbox, { type: "REPORT", key }, { timeout: patience, signal }).catch(() => undefined);
  if (told === undefined) return { state: "accepted", events: [], key };
  const said = report.parse(told);
  if ("failed" in said) throw new NotDone(said);
  return "events" in said ? { state: "done", events: said.events, key } : { state: "done", events: [], key };
}

/** The homeserver has refused it for good, or did not take it for a day. */
export class NotDone extends Error {
  override readonly name = "NotDone";
  readonly kind: string;
  readonly remedy: string;

  constructor({ failed, kind, remedy }: { readonly failed: string; readonly kind: string; readonly remedy?: string }) {
    super(failed);
    this.kind = kind;
    this.remedy = remedy ?? "Look whether the room exists, and whether the user that acts is in it and may do this.";
  }
}

/** Nothing was taken. */
export class RoomBusy extends Error {
  override readonly name = "RoomBusy";
  readonly remedy = "Send it again when those are sent.";
  readonly retryAfterMs = 10_000;

  constructor(waiting: number) {
    super(`${waiting} messages wait to be sent into this room already`);
  }
}
