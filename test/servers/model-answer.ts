import type { ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { dueAt, type Plan, tokens } from "./model-plan.ts";

/** `aborted`: the client hung up first. */
export type Outcome = "answered" | "tool-call" | "error" | "cut" | "aborted";

export interface Progress {
  firstTokenAt?: number;
}

/** Carries out a plan on one response, in OpenAI's format. Resolves when the response has ended, however it did. */
export async function answer(
  plan: Plan,
  request: { readonly model: string; readonly stream: boolean; readonly number: number },
  response: ServerResponse,
  progress: Progress,
): Promise<Outcome> {
  const gone = new AbortController();
  response.once("close", () => gone.abort());
  const start = performance.now();
  try {
    if (plan.error !== undefined) {
      sendJson(response, plan.error.status, { error: { message: plan.error.message, type: "stand_in_error" } });
      return "error";
    }
    await sleep(plan.delayMs ?? 0, undefined, { signal: gone.signal });
    const writer = request.stream ? streamWriter(request, response) : wholeWriter(request, response);
    progress.firstTokenAt = Date.now();
    let index = 0;
    for await (const token of plan.tokens ?? tokens(plan.text ?? "")) {
      gone.signal.throwIfAborted();
      if (index === plan.cutAfter) return await cut(response, writer);
      if (index === plan.stallAfter) await forever(gone.signal);
      const wait = dueAt(plan, index) - (performance.now() - start);
      if (wait > 0) await sleep(wait, undefined, { signal: gone.signal });
      writer.text(token);
      index += 1;
    }
    if (plan.cutAfter !== undefined) return await cut(response, writer);
    if (plan.stallAfter !== undefined) await forever(gone.signal);
    if (plan.toolCall !== undefined) writer.toolCall(plan.toolCall);
    writer.end();
    return plan.toolCall === undefined ? "answered" : "tool-call";
  } catch (error) {
    if (gone.signal.aborted) return "aborted";
    throw error;
  }
}

export function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(body));
}

type ToolCall = NonNullable<Plan["toolCall"]>;

interface Writer {
  text(token: string): void;
  toolCall(call: ToolCall): void;
  /** Resolves when what was written has left this process. */
  flush(): Promise<void>;
  end(): void;
}

const usage = { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 };

function callObject(call: ToolCall, number: number): object {
  return { id: `call_${number}`, type: "function", function: { name: call.name, arguments: call.arguments } };
}

function streamWriter(request: { readonly model: string; readonly number: number }, response: ServerResponse): Writer {
  let finish = "stop";
  const event = (rest: object) => {
    const chunk = {
      id: `chatcmpl-${request.number}`,
      object: "chat.completion.chunk",
      created: 0,
      model: request.model,
    };
    response.write(`data: ${JSON.stringify({ ...chunk, ...rest })}\n\n`);
  };
  const delta = (content: object, reason: string | null = null) =>
    event({ choices: [{ index: 0, delta: content, finish_reason: reason }] });
  response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-cache" });
  delta({ role: "assistant", content: "" });
  return {
    text: (token) => delta({ content: token }),
    toolCall(call) {
      finish = "tool_calls";
      delta({ tool_calls: [{ index: 0, ...callObject(call, request.number) }] });
    },
    flush: () => new Promise((resolve) => response.write(": an SSE comment\n\n", () => resolve())),
    end() {
      delta({}, finish);
      event({ choices: [], usage });
      response.end("data: [DONE]\n\n");
    },
  };
}

function wholeWriter(request: { readonly model: string; readonly number: number }, response: ServerResponse): Writer {
  let content = "";
  const calls: object[] = [];
  return {
    text(token) {
      content += token;
    },
    toolCall: (call) => calls.push(callObject(call, request.number)),
    flush: async () => {},
    end() {
      const message = { role: "assistant", content, ...(calls.length === 0 ? {} : { tool_calls: calls }) };
      sendJson(response, 200, {
        id: `chatcmpl-${request.number}`,
        object: "chat.completion",
        created: 0,
        model: request.model,
        choices: [{ index: 0, message, finish_reason: calls.length === 0 ? "stop" : "tool_calls" }],
        usage,
      });
    },
  };
}

async function cut(response: ServerResponse, writer: Writer): Promise<"cut"> {
  await writer.flush();
  response.destroy();
  return "cut";
}

/** Ends only by the client's leaving. */
function forever(gone: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (gone.aborted) reject(gone.reason);
    else gone.addEventListener("abort", () => reject(gone.reason), { once: true });
  });
}
