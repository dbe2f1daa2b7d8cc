import { z } from "zod";
import type { TurnFate } from "../port.ts";
import type { Request } from "./connection.ts";
import { busy } from "./errors.ts";
import { readTurn } from "./history.ts";
import type { Session } from "./session.ts";
import { isAnswer } from "./stop-reason.ts";
import { type StartTimer, sleep } from "./timer.ts";

export interface Look {
  readonly session: Session;
  readonly request: Request;
  readonly startTimer: StartTimer;
  /** How long to wait for the receipt; left out when none is kept. */
  readonly receiptWithinMs: number | undefined;
  readonly signal: AbortSignal;
  /** Tells whether the last turn was cut off, and ends what is left of it; see `free.ts`. */
  readonly free?: () => Promise<"cut" | "free">;
}

const askForReceiptEveryMs = 1_000;

/**
 * What became of a message. The history alone does not tell a whole answer from a half one, so only a turn whose end
 * was told counts as answered: by this connection, or by the receipt that Letta keeps for us on its disk.
 */
export async function fateOf(otid: string, look: Look): Promise<TurnFate> {
  const { session, request, signal } = look;
  const read = () => readTurn(request, session.conversation, otid, signal);
  if (session.turn?.otid === otid) return { state: "running" };
  const told = session.stopReason(otid);
  if (told !== undefined) return judge(told, (await read())?.text);

  const before = await read();
  if (!session.idle) {
    if (before === undefined) throw busy("a turn runs in this conversation that may be this message's");
    if (before.latest) return { state: "running" };
  }
  if (before === undefined) return { state: "unknown" };
  // A later message has done so already.
  const cut = before.latest && (await look.free?.()) === "cut";
  if (cut || !before.endsInText) return { state: "lost" };
  const { receiptWithinMs } = look;
  if (receiptWithinMs !== undefined) return judge(await receipt(otid, look, receiptWithinMs), before.text);
  return judge(before.latest && look.free === undefined ? undefined : "end_turn", before.text);
}

function judge(stopReason: string | undefined, text = ""): TurnFate {
  return stopReason !== undefined && isAnswer(stopReason) ? { state: "answered", text } : { state: "lost" };
}

/** Letta hands receipts out when a client joins the conversation or synchronizes with it. */
async function receipt(otid: string, look: Look, withinMs: number): Promise<string | undefined> {
  const { session, request, startTimer, signal } = look;
  const sync = { type: "sync", runtime: session.runtime, recover_approvals: false };
  for (let waited = 0; ; waited += askForReceiptEveryMs) {
    await request(sync, z.unknown(), signal);
    const stopReason = session.stopReason(otid);
    if (stopReason !== undefined || waited >= withinMs) return stopReason;
    await sleep(startTimer, askForReceiptEveryMs, signal);
  }
}
