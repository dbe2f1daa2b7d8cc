import { z } from "zod";

/** What an outside observer recognises in a room, from the documented format alone. */

const turn = z.object({
  cause: z.string(),
  /** The command that wanted the question to be asked once more. */
  retry: z.string().optional(),
  attempt: z.number(),
  part: z.number(),
  parts: z.number(),
  final: z.boolean(),
  outcome: z.enum(["answer", "error"]).optional(),
});
export type TurnMark = z.infer<typeof turn>;

const marked = z.object({ "io.letta_matrix.turn": turn });

/** The marker of an event that belongs to an answer. */
export function turnOf(content: unknown): TurnMark | undefined {
  const parsed = marked.safeParse(content);
  return parsed.success ? parsed.data["io.letta_matrix.turn"] : undefined;
}

const request = z.object({ "io.letta_matrix.approval": z.object({ cause: z.string(), open: z.boolean() }) });

/** The marker of an event that asks whether a tool may be called; it is open until that is decided. */
export function requestOf(content: unknown): { readonly cause: string; readonly open: boolean } | undefined {
  return request.safeParse(content).data?.["io.letta_matrix.approval"];
}

/** The nonce that a message gives to the stand-in model; the last one, as the model sees it. */
export function nonceOf(text: string): string | undefined {
  return [...text.matchAll(/\[\[nonce=([^\]]+)\]\]/g)].at(-1)?.[1];
}
