import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { WebSocket } from "ws";
import { z } from "zod";
import type { Conversation } from "../../../src/letta/port.ts";
import type { AppServerUnderContract } from "./app-server.ts";

const frameSchema = z.looseObject({ type: z.string(), request_id: z.string().optional() });
export type Frame = z.infer<typeof frameSchema>;
const created = z.object({ conversation: z.object({ id: z.string() }) });
const entries = z.object({ messages: z.array(z.looseObject({ message_type: z.string(), content: z.unknown() })) });
const finished = z.looseObject({
  stop_reason: z.string(),
  error: z.string().optional(),
  terminal_consumer_ids: z.array(z.string()).optional(),
});
const looping = z.looseObject({ loop_status: z.looseObject({ status: z.string() }) });

interface Message {
  readonly otid?: string;
  readonly nonce?: string;
  readonly directives?: string;
  /** It has a `client_message_id`, too. */
  readonly named?: boolean;
}

/** Calls an App Server as its protocol is, without our adapter. */
export class AppServerCaller {
  readonly #server: AppServerUnderContract;
  readonly #socket: WebSocket;
  /** All that came, oldest first. */
  readonly frames: Frame[] = [];

  private constructor(server: AppServerUnderContract, socket: WebSocket) {
    this.#server = server;
    this.#socket = socket;
    socket.on("error", () => {}); // "close" follows
    socket.on("message", (data) => this.frames.push(frameSchema.parse(JSON.parse(data.toString()))));
  }

  static async connect(server: AppServerUnderContract): Promise<AppServerCaller> {
    const socket = new WebSocket(server.url);
    await once(socket, "open");
    return new AppServerCaller(server, socket);
  }

  another(): Promise<AppServerCaller> {
    return AppServerCaller.connect(this.#server);
  }

  close(): void {
    this.#socket.terminate();
  }

  /** Sends text as it is. */
  post(text: string): void {
    this.#socket.send(text);
  }

  /** Sends a command and gives its reply. */
  async request(command: { readonly type: string } & Record<string, unknown>): Promise<Frame> {
    const request_id = randomUUID();
    this.post(JSON.stringify({ ...command, request_id }));
    return await this.until((frame) => frame.type !== "control_request" && frame.request_id === request_id);
  }

  async newConversation(): Promise<Conversation> {
    const agentId = await this.#server.newAgent();
    const reply = await this.request({ type: "conversation_create", body: { agent_id: agentId } });
    const conversation = { agentId, conversationId: created.parse(reply).conversation.id };
    await this.join(conversation);
    return conversation;
  }

  async join({ agentId, conversationId }: Conversation): Promise<void> {
    const runtime = { agent_id: agentId, conversation_id: conversationId };
    await this.request({ type: "runtime_start", ...runtime, mode: "strict", wait_for_replay: true });
  }

  /** Gives the server's word on whether it took the message. */
  send(conversation: Conversation, message: Message): Promise<Frame> {
    const { otid = randomUUID(), nonce = randomUUID(), directives = "", named = false } = message;
    const content = `What now? [[nonce=${nonce}]] ${directives}`;
    const messages = [{ role: "user", content, otid, ...(named ? { client_message_id: otid } : {}) }];
    const payload = { kind: "create_message", messages, client_tool_allowlist: [] };
    const runtime = runtimeOf(conversation);
    return this.request({ type: "input", runtime, terminal_consumer_id: otid, payload });
  }

  sync(conversation: Conversation): Promise<Frame> {
    return this.request({ type: "sync", runtime: runtimeOf(conversation), recover_approvals: false });
  }

  /** Where approvals are not to be recovered, nothing is resumed. */
  resume(conversation: Conversation): Promise<Frame> {
    return this.request({ type: "sync", runtime: runtimeOf(conversation), resume_interrupted_turn: true });
  }

  abort(conversation: Conversation): Promise<Frame> {
    return this.request({ type: "abort_message", runtime: runtimeOf(conversation) });
  }

  /** What was last said of what the conversation does. */
  status(): string | undefined {
    const last = this.frames.findLast(({ type }) => type === "update_loop_status");
    return last && looping.parse(last).loop_status.status;
  }

  /** How often the end of this message's turn was told to this socket. */
  ends(otid: string): readonly z.infer<typeof finished>[] {
    return this.frames
      .filter(({ type }) => type === "turn_finished")
      .map((frame) => finished.parse(frame))
      .filter(({ terminal_consumer_ids: ids = [] }) => ids.includes(otid));
  }

  async end(otid: string): Promise<z.infer<typeof finished>> {
    await this.until(() => this.ends(otid).length > 0);
    return finished.parse(this.ends(otid)[0]);
  }

  /** Waits for the first piece of an answer. */
  async firstWords(): Promise<void> {
    await this.until((frame) => frame.type === "stream_delta" && JSON.stringify(frame).includes("assistant_message"));
  }

  async history({ agentId, conversationId }: Conversation): Promise<z.infer<typeof entries>["messages"]> {
    const query = { limit: 50, order: "desc", agent_id: agentId };
    const command = { type: "conversation_messages_list", conversation_id: conversationId, query };
    return entries.parse(await this.request(command)).messages.reverse();
  }

  /** What the agent said, by its history. */
  async answers(conversation: Conversation): Promise<readonly string[]> {
    const said = (await this.history(conversation)).filter(({ message_type: type }) => type === "assistant_message");
    return said.map(({ content }) => JSON.stringify(content));
  }

  async until(wanted: (frame: Frame) => boolean): Promise<Frame> {
    const deadline = performance.now() + 15_000 / this.#server.haste;
    for (;;) {
      const found = this.frames.find(wanted);
      if (found !== undefined) return found;
      if (performance.now() > deadline) throw new Error("the frame that was waited for has not come");
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}

function runtimeOf({ agentId, conversationId }: Conversation) {
  return { agent_id: agentId, conversation_id: conversationId };
}
