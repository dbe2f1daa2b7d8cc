import { z } from "zod";
import { addressOf } from "../../machines/addresses.ts";
import { type Deed, isSameDeed, mostQueued } from "../../machines/outbox.ts";
import type { Call, CommandContext } from "../command.ts";
import { KeyForgotten, KeyTaken, type Named } from "./naming.ts";

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
  z.object({ key: z.string(), taken: z.literal(true) }),
]);

/** How long a caller waits to hear the event ids, ms; what it wanted goes on after that. */
const patience = 10_000;
const keyed = z.array(z.object({ key: z.string(), deed: z.string().optional() }));
const outbox = z.object({ queue: keyed, done: keyed });

export interface Wish extends Named {
  readonly userId: string;
  readonly roomId: string;
  readonly what: Deed;
}

interface Outboxes extends Pick<CommandContext, "server"> {
  readonly host: Pick<CommandContext["host"], "accept" | "ask" | "read">;
}

/**
 * Has one of our users do something in a room. Resolves when it is durable, with what became of it if that is known soon.
 * Throws {@link RoomBusy}, {@link NotDone}, {@link KeyTaken} and {@link KeyForgotten}, and what the host throws when it
 * takes nothing; nothing else once it is durable.
 */
export async function run(
  wish: Wish,
  { host, server }: Outboxes,
  { signal }: Pick<Call, "signal">,
): Promise<DoneInRoom> {
  const { userId, roomId, key, deed, what } = wish;
  const to = addressOf.outbox(server, userId, roomId);
  assertOwnKey(wish, { host, server });
  const { earlier, waiting } = lookUp(wish, { host, server });
  if (earlier === undefined && waiting >= mostQueued) throw new RoomBusy(waiting);
  await host.accept(to, { type: "SEND", errand: { key, deed, what } }, { id: key, cause: key });
  // It is durable: whoever were told now that it failed, for whatever reason, would say it again.
  const told = await host.ask(to, { type: "REPORT", key, deed }, { timeout: patience, signal }).catch(() => undefined);
  if (told === undefined) return { state: "accepted", events: [], key };
  const said = report.parse(told);
  if ("failed" in said) throw new NotDone(said);
  // Of two deeds under one key at the same moment, the first was taken.
  if ("taken" in said) throw new KeyTaken();
  if ("unknown" in said) throw new KeyForgotten();
  return { state: "done", events: said.events, key };
}

type Wished = Omit<Wish, "what">;

interface Records extends Pick<CommandContext, "server"> {
  readonly host: Pick<CommandContext["host"], "read">;
}

/** Throws {@link KeyTaken} where the user was to do something else in the room under this key. */
export function assertOwnKey(wished: Wished, records: Records): void {
  isRepeated(wished, records);
}

/** Whether the user was to do this before. Throws {@link KeyTaken} where it was something else. */
export function isRepeated(wished: Wished, records: Records): boolean {
  const { earlier } = lookUp(wished, records);
  if (earlier !== undefined && !isSameDeed(earlier, wished)) throw new KeyTaken();
  return earlier !== undefined;
}

/** What is known of its key, and how much waits in the room. */
function lookUp({ userId, roomId, key }: Wished, { host, server }: Records) {
  const { data } = outbox.safeParse(host.read(addressOf.outbox(server, userId, roomId))?.context);
  const { queue = [], done: past = [] } = data ?? {};
  return { earlier: [...queue, ...past].find((one) => one.key === key), waiting: queue.length };
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
