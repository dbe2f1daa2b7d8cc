import { randomUUID } from "node:crypto";
import { askModel, ModelFailed, type ToolCall } from "../model-call.ts";
import {
  type Agent,
  type Conversation,
  type Run,
  type StoredMessage,
  type V1Oddities,
  type V1State,
  waitingCalls,
} from "./state.ts";

export interface LoopOptions {
  readonly state: V1State;
  readonly oddities: V1Oddities;
  readonly modelUrl: string;
  readonly modelName: string;
  /** Aborted when the server is killed: nothing is stored or said from then on. */
  readonly life: AbortSignal;
}

export type Input =
  | { readonly type: "message"; readonly text: string; readonly otid: string }
  | { readonly type: "approval"; readonly approvals: readonly { id: string; approve: boolean; reason: string }[] };

/** Says a frame to whoever reads the run's stream. */
export type Say = (frame: object, event?: "error") => void;

const mostSteps = 10;

/** Works on one input until the agent's turn ends. */
export async function work(
  agent: Agent,
  conversation: Conversation,
  run: Run,
  input: Input,
  say: Say,
  options: LoopOptions,
) {
  const turn = new Loop(agent, conversation, run, say, options);
  await turn.work(input);
}

class Loop {
  readonly #agent: Agent;
  readonly #conversation: Conversation;
  readonly #run: Run;
  readonly #say: Say;
  readonly #options: LoopOptions;
  /** Of the present step; stored when it is done. */
  #unstored: StoredMessage[] = [];

  constructor(agent: Agent, conversation: Conversation, run: Run, say: Say, options: LoopOptions) {
    this.#agent = agent;
    this.#conversation = conversation;
    this.#run = run;
    this.#say = say;
    this.#options = options;
  }

  async work(input: Input): Promise<void> {
    const { oddities, life } = this.#options;
    try {
      const waiting = waitingCalls(this.#conversation);
      if (input.type === "message") {
        if (waiting.length > 0)
          return this.#fail(
            "error",
            "CONFLICT: Cannot send a new message: The agent is waiting for approval on a tool call.",
          );
        this.#keep("user_message", { content: input.text, otid: input.otid }, { role: "user", content: input.text });
        if (!oddities.storesAfterFirstStep) this.#store();
      } else this.#decide(waiting, input.approvals);
      for (let step = 0; step < mostSteps; step++) if ((await this.#step()) === "end") return;
      this.#end("completed", "max_steps");
    } catch (error) {
      if (life.aborted) return;
      if (!(error instanceof ModelFailed)) throw error;
      if (error.inMidAnswer) this.#say({ message_type: "stop_reason", stop_reason: "error" });
      this.#fail("llm_api_error", "An error occurred with the LLM request.", error.message);
    }
  }

  async #step(): Promise<"end" | "more"> {
    const { life, modelUrl, modelName } = this.#options;
    const id = `message-${randomUUID()}`;
    const messages = [
      { role: "system", content: this.#agent.persona },
      ...[...this.#conversation.messages, ...this.#unstored].flatMap(({ chat }) => chat ?? []),
    ];
    const tools = [...this.#agent.tools.keys()];
    let text = "";
    let call: ToolCall | undefined;
    for await (const part of askModel(`${modelUrl}/chat/completions`, { model: modelName, messages, tools }, life)) {
      if (typeof part === "string") {
        text += part;
        if (!this.#isCancelled()) this.#say({ message_type: "assistant_message", id, content: part });
        else this.#sayCancelled();
      } else call = part;
    }
    if (text !== "") this.#keep("assistant_message", { id, content: text }, { role: "assistant", content: text });
    if (call === undefined) {
      if (this.#isCancelled()) this.#sayCancelled();
      else {
        this.#store();
        this.#end("completed", "end_turn");
      }
      return "end";
    }
    return this.#call(call);
  }

  #call(call: ToolCall): "end" | "more" {
    const asked = { name: call.name, arguments: call.arguments, tool_call_id: call.id };
    const needsApproval = this.#agent.tools.get(call.name)?.needsApproval === true;
    const type = needsApproval ? "approval_request_message" : "tool_call_message";
    this.#say({ message_type: type, id: `message-${call.id}`, tool_call: asked, tool_calls: asked });
    const fn = { name: call.name, arguments: call.arguments };
    const chat = { role: "assistant", content: null, tool_calls: [{ id: call.id, type: "function", function: fn }] };
    this.#keep(type, { tool_call: asked, tool_calls: [asked] }, chat);
    if (needsApproval) {
      this.#store();
      this.#end("completed", "requires_approval");
      return "end";
    }
    this.#result(call, this.#agent.tools.has(call.name) ? "OK" : `Error: no tool ${call.name}`);
    this.#store();
    return "more";
  }

  #decide(waiting: readonly ToolCall[], approvals: Extract<Input, { type: "approval" }>["approvals"]): void {
    this.#keep("approval_response_message", { approvals: [...approvals] });
    for (const call of waiting) {
      const decision = approvals.find(({ id }) => id === call.id);
      if (decision?.approve === true) this.#result(call, "OK");
      else this.#result(call, `Error: request to call tool denied. User reason: ${decision?.reason ?? "none"}`);
    }
  }

  #result(call: ToolCall, result: string): void {
    const chat = { role: "tool", tool_call_id: call.id, content: JSON.stringify({ message: result }) };
    this.#keep("tool_return_message", { tool_return: result, tool_call_id: call.id }, chat);
  }

  #keep(type: string, fields: object, chat?: object): void {
    const entry = {
      id: `message-${randomUUID()}`,
      ...fields,
      message_type: type,
      run_id: this.#run.id,
      date: new Date().toISOString(),
    };
    this.#unstored.push({ entry, ...(chat === undefined ? {} : { chat }) });
  }

  #store(): void {
    this.#conversation.messages.push(...this.#unstored);
    this.#unstored = [];
  }

  #isCancelled(): boolean {
    return this.#run.status === "cancelled";
  }

  #sayCancelled(): void {
    if (this.#run.complete) return;
    this.#say({ message_type: "stop_reason", stop_reason: "cancelled" });
    this.#run.complete = true;
  }

  #end(status: Run["status"], stopReason: string): void {
    this.#say({ message_type: "stop_reason", stop_reason: stopReason });
    this.#say({ message_type: "usage_statistics", total_tokens: 2 });
    this.#options.state.end(this.#run, status, stopReason);
    this.#run.complete = true;
  }

  #fail(stopReason: string, message: string, detail = message): void {
    this.#say({ message_type: "stop_reason", stop_reason: stopReason });
    this.#say({ message_type: "error_message", run_id: this.#run.id, message, detail }, "error");
    this.#options.state.end(this.#run, "failed", stopReason);
    this.#run.complete = true;
  }
}
