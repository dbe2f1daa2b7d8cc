import { z } from "zod";
import type { TurnFate } from "../port.ts";
import { isAnswer } from "../stop-reason.ts";
import { type StartTimer, sleep } from "../timer.ts";
import type { Request } from "./connection.ts";
import { busy } from "./errors.ts";
import { readTurn, type TurnRecord } from "./history.ts";
import type { Session } from "./session.ts";

export interface Look {
  readonly session: Session;
  readonly request: Request;
  readonly startTimer: StartTimer;
  /** How long to wait for the receipt, ms. */
  readonly receiptWithinMs: number;
  readonly signal: AbortSignal;
}

/** The first pause before Letta is asked for a receipt again, ms; each is twice as long as the one before. */
const firstPauseMs = 1_000;

/**
 * What became of a message. The history alone does not tell a whole answer from a half one, so only a turn whose end
 * was told counts as answered: by this connection, or by the receipt that Letta keeps for us on its disk.
 */
export async function fateOf(otid: string, look: Look): Promise<TurnFate> {
  const { session, request, signal } = look;
  const read = () => readTurn(request, session.conversation, otid, signal);
  if (session.turn?.otid === otid) return { state: "running" };
  const told = session.stopReason(otid);
  if (told !== undefined) return judge(told, await read());

  const record = await read();
  if (!session.idle) {
    if (record === undefined) throw busy("a turn runs in this conversation that may be this message's");
    if (record.latest) return { state: "running" };
  }
  if (record === undefined) return { state: "unknown" };
  return judge(record.endsInText ? await receipt(otid, look) : undefined, record);
}

function judge(stopReason: string | undefined, record: TurnRecord | undefined): TurnFate {
  if (stopReason !== undefined && isAnswer(stopReason)) return { state: "answered", text: record?.text ?? "" };
  return { state: "lost", ...(record?.calledTool === true && { calledTool: "a tool" }) };
}

/**
 * Letta hands receipts out when a client joins the conversation or synchronizes with it. To do so it looks through all
 * open receipts, with a lock on disk for each, and does nothing else meanwhile: it is not asked often.
 */
async function receipt(otid: string, look: Look): Promise<string | undefined> {
  const { session, request, startTimer, receiptWithinMs, signal } = look;
  const sync = { type: "sync", runtime: session.runtime, recover_approvals: false };
  let left = receiptWithinMs;
  for (let pause = firstPauseMs; ; pause *= 2) {
    await request(sync, z.unknown(), signal);
    const stopReason = session.stopReason(otid);
    if (stopReason !== undefined || left <= 0) return stopReason;
    await sleep(startTimer, Math.min(pause, left), signal);
    left -= pause;
  }
}
