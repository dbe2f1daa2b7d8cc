import { randomUUID } from "node:crypto";
import { z } from "zod";
import { type Frame, type LettaSocket, openLettaSocket } from "./letta-socket.ts";

export interface Turn {
  /** All text of the answer. */
  readonly text: string;
  readonly stopReason: string;
  /** Why it failed, in Letta's words. */
  readonly error?: string;
  /** In how many pieces the text came. */
  readonly pieces: number;
}

export interface TurnOptions {
  /** Default: the agent's own. */
  readonly conversationId?: string;
  /** `unrestricted`, Letta's own default, runs any tool on its host. Default: `strict`, with every tool denied. */
  readonly mode?: "strict" | "unrestricted";
  readonly withinMs?: number;
}

const textDelta = z.object({
  message_type: z.literal("assistant_message"),
  content: z.union([z.string(), z.array(z.object({ text: z.string() }))]),
});

const turnFinished = z.object({
  type: z.literal("turn_finished"),
  stop_reason: z.string(),
  error: z.string().optional(),
});
const runtimeSchema = z.object({ agent_id: z.string(), conversation_id: z.string() });
const permissionRequest = z.object({ type: z.literal("control_request"), request_id: z.string() });

/** Asks an agent over a socket of its own and gives its answer. */
export async function askAgent(url: string, agentId: string, text: string, options: TurnOptions = {}): Promise<Turn> {
  const socket = await openLettaSocket(url);
  try {
    return await turn(socket, agentId, text, options);
  } finally {
    socket.close();
  }
}

async function turn(socket: LettaSocket, agentId: string, text: string, options: TurnOptions): Promise<Turn> {
  const withinMs = options.withinMs ?? 30_000;
  const mode = options.mode ?? "strict";
  const runtime = { agent_id: agentId, conversation_id: options.conversationId ?? "default" };
  await socket.request({ type: "runtime_start", ...runtime, mode }, z.unknown());
  const pieces: string[] = [];
  const finished = new Promise<z.infer<typeof turnFinished>>((resolve, reject) => {
    AbortSignal.timeout(withinMs).addEventListener("abort", () =>
      reject(new Error(`the turn did not finish within ${withinMs} ms; it had answered: ${pieces.join("")}`)),
    );
    socket.onFrame((frame) => {
      if (!isOf(runtime, frame)) return;
      if (frame.type === "stream_delta") {
        const delta = textDelta.safeParse(frame["delta"]);
        if (delta.success) pieces.push(plain(delta.data.content));
      }
      const asked = permissionRequest.safeParse(frame);
      if (asked.success) deny(socket, runtime, asked.data.request_id).catch(reject);
      const end = turnFinished.safeParse(frame);
      if (end.success) resolve(end.data);
    });
  });
  const id = randomUUID();
  const [, end] = await Promise.all([
    socket.request(
      {
        type: "input",
        runtime,
        payload: {
          kind: "create_message",
          messages: [{ role: "user", content: text, client_message_id: id, otid: id }],
          ...(mode === "strict" ? { client_tool_allowlist: [] } : {}),
          exclude_interactive_tools: true,
        },
      },
      z.object({ accepted: z.literal(true) }),
    ),
    finished,
  ]);
  const error = end.error === undefined ? {} : { error: end.error };
  return { text: pieces.join(""), stopReason: end.stop_reason, ...error, pieces: pieces.length };
}

/** Every socket hears of every runtime. */
function isOf(runtime: z.infer<typeof runtimeSchema>, frame: Frame): boolean {
  const named = runtimeSchema.safeParse(frame["runtime"]);
  return (
    named.success && named.data.agent_id === runtime.agent_id && named.data.conversation_id === runtime.conversation_id
  );
}

function deny(socket: LettaSocket, runtime: object, requestId: string): Promise<unknown> {
  const decision = { behavior: "deny", message: "no tool is allowed here" };
  const payload = { kind: "approval_response", request_id: requestId, decision };
  return socket.request({ type: "input", runtime, payload }, z.unknown());
}

function plain(content: z.infer<typeof textDelta>["content"]): string {
  return typeof content === "string" ? content : content.map((part) => part.text).join("");
}
