import { z } from "zod";
import type { Decision, ToolCall } from "../../letta/port.ts";
import type { Approval, ConversationEvent } from "../../machines/conversation/context.ts";
import { MatrixError } from "../../matrix/port.ts";
import { type Clock, sleep } from "../../runtime/clock.ts";
import type { ActorEvent } from "../../runtime/record.ts";
import { approvalContent, approvalEdit } from "./content.ts";
import type { RoomTurn } from "./room-turn.ts";

/** The homeserver's failures after which the request can still be sent. */
const sendable: ReadonlySet<string> = new Set(["unreachable", "limited"]);
const retryAfter = 2_000;
/** Characters of a call's arguments that a request shows. */
const longestArguments = 300;

/** As the chart sends it. */
const decided = z.object({ callId: z.string(), allowed: z.boolean(), by: z.string().optional() });

export const outcomes = {
  cutOff: "Not decided: the work on this was cut off.",
  decidedAndCutOff: "Decided, but the work on this was cut off.",
  notNeeded: "Not decided: the turn has ended.",
} as const;

export interface ApprovalsOptions {
  readonly room: RoomTurn;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  emit(event: Extract<ConversationEvent, { type: "APPROVAL_WANTED" | "APPROVAL_SHOWN" }>): Promise<void>;
}

/** Asks the room whether a tool may be called, and waits for what the chart makes of people's words. */
export class Approvals {
  readonly #options: ApprovalsOptions;
  /** By the call's id. After a restart all of them come again, also those of calls that were made long ago. */
  readonly #decisions = new Map<string, Decision>();
  readonly #asked = new Set<string>();
  #wake: () => void = () => undefined;

  constructor(options: ApprovalsOptions) {
    this.#options = options;
  }

  take(event: ActorEvent): void {
    if (event.type !== "DECIDED") return;
    const { callId, allowed, by } = decided.parse(event);
    this.#decisions.set(callId, { allowed, reason: reasonOf(allowed, by) });
    this.#wake();
  }

  hasAskedAbout(callId: string): boolean {
    return this.#asked.has(callId);
  }

  /** `over` is aborted when nobody needs the decision any more. */
  async ask(call: ToolCall, over: AbortSignal): Promise<Decision> {
    const { room, emit, signal } = this.#options;
    const approval = { callId: call.id, attempt: room.attempt, tool: call.name, text: requestText(call) };
    this.#asked.add(call.id);
    if (!this.#decisions.has(call.id)) {
      await emit({ type: "APPROVAL_WANTED", approval });
      const eventId = await this.#show(approval, AbortSignal.any([over, signal]));
      await emit({ type: "APPROVAL_SHOWN", eventId });
    }
    const decision = await this.#decided(call.id, AbortSignal.any([over, signal]));
    signal.throwIfAborted();
    await closeRequest(room, approval, decision?.reason ?? outcomes.notNeeded);
    return decision ?? { allowed: false, reason: outcomes.notNeeded };
  }

  async #show(approval: Approval, signal: AbortSignal): Promise<string> {
    const { room, clock } = this.#options;
    for (;;) {
      try {
        return await room.send(nameOf(approval), approvalContent(room.question, approval.text));
      } catch (error) {
        if (!(error instanceof MatrixError && sendable.has(error.kind))) throw error;
        await sleep(clock, error.retryAfterMs ?? retryAfter, signal);
      }
    }
  }

  /** `undefined` when it is over before. */
  async #decided(callId: string, over: AbortSignal): Promise<Decision | undefined> {
    while (!this.#decisions.has(callId) && !over.aborted) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      over.addEventListener("abort", () => resolve(), { once: true });
      await promise;
    }
    const decision = this.#decisions.get(callId);
    // Good for one call only.
    this.#decisions.delete(callId);
    return decision;
  }
}

/** Says below the request what came of it. Best effort: it decides nothing. */
export async function closeRequest(room: RoomTurn, approval: Approval, outcome: string): Promise<void> {
  try {
    // Sending the request again gives the event that stands there.
    const eventId =
      approval.eventId ?? (await room.send(nameOf(approval), approvalContent(room.question, approval.text), true));
    await room.send(`${nameOf(approval)}/closed`, approvalEdit(room.question, `${approval.text}\n${outcome}`, eventId));
  } catch (error) {
    if (!(error instanceof MatrixError)) throw error;
  }
}

function nameOf({ attempt, callId }: Approval): string {
  return `approval/${attempt}/${callId}`;
}

/** Whoever decides has to see what is there: nothing in it that hides or turns round what follows. */
function requestText({ name, input }: ToolCall): string {
  const text = visible(JSON.stringify(input ?? {}));
  const shown =
    text.length > longestArguments ? `${text.slice(0, longestArguments)}… (${text.length} characters)` : text;
  return `May I use the tool ${visible(name)} with ${shown.toWellFormed()}? Say !approve or !deny, or react with ✅ or ❌.`;
}

function visible(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "\ufffd");
}

function reasonOf(allowed: boolean, who: string | undefined): string {
  if (who === undefined) return "Denied: nobody decided in time.";
  return `${allowed ? "Approved" : "Denied"} by ${who}.`;
}
