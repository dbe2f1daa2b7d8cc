import { z } from "zod";
import type { ActorEvent } from "../../runtime/record.ts";

/** What something that was heard is about, so far as it matters to when it is given. */
interface Word {
  readonly kind: string;
  readonly command?: { readonly name: string; readonly reactionTo?: string | undefined } | undefined;
}

const heldEvent = z.object({
  type: z.literal("PUSHED"),
  heard: z.array(
    z.object({
      kind: z.string(),
      roomId: z.string(),
      sender: z.string().optional(),
      question: z.object({ sender: z.string() }).optional(),
      command: z.object({ name: z.string(), sender: z.string(), reactionTo: z.string().optional() }).optional(),
    }),
  ),
});

const deciding: ReadonlySet<string> = new Set(["approve", "deny"]);

/** A word means whatever the agent is at when it is taken; a sign, what it stands on. */
export function isWord({ kind, command }: Word): boolean {
  return kind === "command" && command?.reactionTo === undefined;
}

export function isWordOnRequest(heard: Word): boolean {
  return isWord(heard) && deciding.has(heard.command?.name ?? "");
}

/** What waited may be late by now: the request that a word was about may be decided, and another one be there. */
export function asLate(event: ActorEvent): ActorEvent {
  return heldEvent.safeParse(event).data?.heard.some(isWordOnRequest) === true ? { type: "LOOK_BACK" } : event;
}

/** Where it was said and who said it; nothing where nobody said anything. */
export function originOf(event: ActorEvent): { readonly roomId: string; readonly sender: string } | undefined {
  const heard = heldEvent.safeParse(event).data?.heard[0];
  if (heard === undefined) return undefined;
  return { roomId: heard.roomId, sender: heard.question?.sender ?? heard.command?.sender ?? heard.sender ?? "" };
}
