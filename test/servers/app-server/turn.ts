import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { z } from "zod";
import { askModel, ModelFailed, type ToolCall } from "../model-call.ts";
import type { Agent, AppServerOddities, AppServerState, Conversation } from "./state.ts";

export interface LoopOptions {
  readonly state: AppServerState;
  readonly oddities: AppServerOddities;
  readonly modelUrl: string;
  readonly modelName: string;
  /** Where the tools of agents run. */
  readonly toolFolder: string;
  /** How long after a model broke off it is asked again, ms. */
  readonly retryAfterMs: number;
  /** Aborted when the server is killed: nothing is stored or said from then on. */
  readonly life: AbortSignal;
}

export interface Input {
  readonly messages: readonly { readonly content: string; readonly otid: string; readonly named: boolean }[];
  readonly consumers: readonly string[];
  readonly tools: readonly string[];
  /** Of the tools that clients serve, which are offered. */
  readonly scopes: readonly string[];
}

export interface Decision {
  readonly behavior: "allow" | "deny";
  readonly message?: string | undefined;
}

export interface End {
  readonly stopReason: string;
  readonly error?: string;
}

const mostSteps = 10;
const mostAttempts = 3;
const shell = z.object({ command: z.string() });
const run = promisify(execFile);
const cancelled: End = { stopReason: "cancelled" };

/** Works on one input until the agent's turn ends. */
export class Turn {
  readonly input: Input;
  readonly #agent: Agent;
  readonly #conversation: Conversation;
  readonly #say: (frame: object) => void;
  readonly #served: (call: ToolCall) => Promise<string> | undefined;
  readonly #options: LoopOptions;
  readonly #waiting = new Map<string, (decision: Decision | undefined) => void>();
  readonly #aborting = new AbortController();
  readonly #cut = new AbortController();
  #text = "";
  runId = "";

  constructor(
    agent: Agent,
    conversation: Conversation,
    input: Input,
    say: (frame: object) => void,
    served: (call: ToolCall) => Promise<string> | undefined,
    options: LoopOptions,
  ) {
    this.input = input;
    this.#agent = agent;
    this.#conversation = conversation;
    this.#say = say;
    this.#served = served;
    this.#options = options;
  }

  /** `undefined` when it was cut off: nobody is told. */
  async work(): Promise<End | undefined> {
    this.#keepInput();
    try {
      for (let step = 0; step < mostSteps; step += 1) {
        const end = await this.#step();
        if (this.#cut.signal.aborted) return undefined;
        if (end !== undefined) return end;
      }
      return { stopReason: "max_steps" };
    } catch (error) {
      if (this.#isOver()) return undefined;
      if (!(error instanceof ModelFailed)) throw error;
      this.#delta({ message_type: "error_message", message: error.message });
      this.#delta({ message_type: "stop_reason", stop_reason: "error" });
      return { stopReason: "error", error: error.message };
    }
  }

  abort(): void {
    this.#aborting.abort();
    for (const decide of this.#waiting.values()) decide(undefined);
  }

  /** Its socket is gone. */
  cut(): void {
    const { oddities } = this.#options;
    this.#cut.abort();
    if (oddities.halfAnswersAreKept && this.#text !== "") this.#keepText();
    this.abort();
  }

  /** False when nothing waits for this decision. */
  decide(id: string, decision: Decision): boolean {
    const decide = this.#waiting.get(id);
    decide?.(decision);
    return decide !== undefined;
  }

  async #step(): Promise<End | undefined> {
    for (let attempt = 1; ; attempt += 1) {
      this.runId = `local-run-${randomUUID()}`;
      try {
        return await this.#answer();
      } catch (error) {
        if (!(error instanceof ModelFailed && error.inMidAnswer) || attempt > mostAttempts || this.#isOver())
          throw error;
        this.#delta({ message_type: "error_message", message: "terminated" });
        this.#delta({ message_type: "retry", message: "retrying...", attempt });
        this.#keepText();
        await sleep(this.#options.retryAfterMs, undefined, { signal: this.#options.life });
        this.#keepInput();
      }
    }
  }

  async #answer(): Promise<End | undefined> {
    const id = `${this.runId}-words`;
    this.#text = "";
    let call: ToolCall | undefined;
    this.#status("WAITING_FOR_API_RESPONSE");
    this.#status("PROCESSING_API_RESPONSE");
    for await (const part of this.#model()) {
      if (this.#aborting.signal.aborted) return cancelled;
      if (typeof part !== "string") call = part;
      else {
        this.#text += part;
        this.#delta({ message_type: "assistant_message", id, content: [{ type: "text", text: part }] });
      }
    }
    if (this.#aborting.signal.aborted) return cancelled;
    if (this.#text !== "") this.#keepText();
    if (call !== undefined) return await this.#call(call);
    this.#delta({ message_type: "stop_reason", stop_reason: "end_turn" });
    return { stopReason: "end_turn" };
  }

  #model(): AsyncGenerator<string | ToolCall> {
    const { life, modelUrl, modelName, oddities } = this.#options;
    const messages = [
      { role: "system", content: this.#agent.persona },
      ...this.#conversation.messages.flatMap(({ chat }) => chat ?? []),
    ];
    const signal = oddities.abortsEndWithTheNextWord ? life : AbortSignal.any([life, this.#aborting.signal]);
    const request = { model: modelName, messages, tools: this.input.tools };
    return orAborted(askModel(`${modelUrl}/chat/completions`, request, signal), this.#aborting.signal);
  }

  async #call(call: ToolCall): Promise<End | undefined> {
    const { toolFolder } = this.#options;
    const decision = await this.#permission(call);
    if (decision === undefined) return cancelled;
    this.#status("EXECUTING_CLIENT_SIDE_TOOL");
    const asked = { name: call.name, arguments: call.arguments, tool_call_id: call.id };
    const given = shell.safeParse(JSON.parse(call.arguments));
    let result = decision.message ?? "denied";
    if (decision.behavior === "allow") {
      const command = call.name === "Bash" && given.success ? given.data.command : "true";
      const served = this.#served(call);
      result = (await served) ?? ((await run("sh", ["-c", command], { cwd: toolFolder })).stdout || "OK");
      if (this.#isOver() || this.#aborting.signal.aborted) return cancelled;
    }
    const called = [{ id: call.id, type: "function", function: { name: call.name, arguments: call.arguments } }];
    this.#keep(
      "approval_request_message",
      { tool_call: asked },
      { role: "assistant", content: null, tool_calls: called },
    );
    const told = { role: "tool", tool_call_id: call.id, content: result };
    this.#keep("tool_return_message", { tool_call_id: call.id, tool_return: result }, told);
    return undefined;
  }

  async #permission(call: ToolCall): Promise<Decision | undefined> {
    const id = `perm-${call.id}`;
    const decided = new Promise<Decision | undefined>((resolve) => this.#waiting.set(id, resolve));
    this.#delta({ message_type: "stop_reason", stop_reason: "requires_approval" });
    this.#status("WAITING_ON_APPROVAL");
    const input: unknown = JSON.parse(call.arguments);
    const request = { subtype: "can_use_tool", tool_name: call.name, input, tool_call_id: call.id };
    this.#say({ type: "control_request", request_id: id, request });
    const decision = await decided;
    this.#waiting.delete(id);
    return decision;
  }

  #keepInput(): void {
    const isFirst = this.#conversation.messages.length === 0 && this.#options.oddities.remindersInMessages;
    for (const [index, { content: text, otid }] of this.input.messages.entries()) {
      const reminder = { type: "text", text: "<system-reminder>\nLetta Code's own words.\n</system-reminder>" };
      const content = [...(isFirst && index === 0 ? [reminder] : []), { type: "text", text }];
      this.#keep("user_message", { role: "user", content, otid }, { role: "user", content });
    }
  }

  #keepText(): void {
    const content = [{ type: "text", text: this.#text }];
    const chat = { role: "assistant", content: this.#text };
    this.#keep("assistant_message", { role: "assistant", content }, chat);
    this.#text = "";
  }

  #keep(message_type: string, fields: object, chat: object): void {
    if (this.#options.life.aborted) return;
    this.#conversation.messages.push({
      entry: { id: this.#options.state.nextMessageId(), message_type, ...fields },
      chat,
    });
  }

  #delta(delta: object): void {
    this.#say({ type: "stream_delta", delta: { ...delta, run_id: this.runId } });
  }

  #status(status: string): void {
    this.#say({ type: "update_loop_status", loop_status: { status, active_run_ids: [this.runId] } });
  }

  #isOver(): boolean {
    return this.#options.life.aborted || this.#cut.signal.aborted;
  }
}

/** An abort ends the reading, by itself only when the model's stream does. */
async function* orAborted<T>(parts: AsyncGenerator<T>, aborting: AbortSignal): AsyncGenerator<T> {
  try {
    yield* parts;
  } catch (error) {
    if (!aborting.aborted) throw error;
  }
}
