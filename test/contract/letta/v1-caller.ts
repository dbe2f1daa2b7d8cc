import { randomUUID } from "node:crypto";
import { createInterface, type Interface } from "node:readline";
import { Readable } from "node:stream";
import { z } from "zod";
import type { Conversation } from "../../../src/letta/port.ts";

const frame = z.looseObject({ message_type: z.string().optional(), run_id: z.string().nullish() });
type Frame = z.infer<typeof frame>;
const entries = z.array(z.looseObject({ message_type: z.string(), otid: z.string().nullish() }));
interface Message {
  readonly otid?: string;
  readonly nonce?: string;
  readonly directives?: string;
  readonly background?: boolean;
}

interface V1Server {
  readonly url: string;
  /** Nothing that a case waits for takes longer, ms. */
  readonly patienceMs: number;
  newAgent(name?: string, gated?: string): Promise<string>;
}

/** Calls a V1 server as its API is, without our adapter. */
export class V1Caller {
  readonly #server: V1Server;

  constructor(server: V1Server) {
    this.#server = server;
  }

  async newConversation(gated?: string): Promise<Conversation> {
    const agentId = await this.#server.newAgent(undefined, gated);
    const made = await this.#call("POST", `/v1/conversations/?agent_id=${agentId}`, {});
    return { agentId, conversationId: z.object({ id: z.string() }).parse(await made.json()).id };
  }

  async ownConversation(): Promise<Conversation> {
    return { agentId: await this.#server.newAgent(), conversationId: "default" };
  }

  send({ agentId, conversationId }: Conversation, message: Message): Promise<Response> {
    const { otid = randomUUID(), nonce = randomUUID(), directives = "", background = true } = message;
    const content = `What now? [[nonce=${nonce}]] ${directives}`;
    const messages = [{ role: "user", content, otid }];
    const options = { streaming: true, stream_tokens: true, include_pings: true, background };
    return this.#call("POST", `/v1/conversations/${conversationId}/messages`, {
      messages,
      ...options,
      ...(conversationId === "default" ? { agent_id: agentId } : {}),
    });
  }

  async ask(conversation: Conversation, message: Message): Promise<V1Stream> {
    return new V1Stream(await this.send(conversation, message), this.#server.patienceMs);
  }

  async resume({ conversationId }: Conversation, which: { readonly run_id: string }): Promise<V1Stream> {
    const body = { ...which, include_pings: true };
    const response = await this.#call("POST", `/v1/conversations/${conversationId}/stream`, body);
    return new V1Stream(response, this.#server.patienceMs);
  }

  async history(
    { agentId, conversationId }: Conversation,
    order: "asc" | "desc" = "asc",
  ): Promise<z.infer<typeof entries>> {
    const own = conversationId === "default" ? `&agent_id=${agentId}` : "";
    const path = `/v1/conversations/${conversationId}/messages?order=${order}&limit=100${own}`;
    const response = await this.#call("GET", path);
    return entries.parse(await response.json());
  }

  async runStatus(runId: string): Promise<string> {
    const response = await this.#call("GET", `/v1/runs/${runId}`);
    return z.object({ status: z.string() }).parse(await response.json()).status;
  }

  #call(method: string, path: string, body?: object): Promise<Response> {
    const headers = { "content-type": "application/json" };
    const init = { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
    return fetch(`${this.#server.url}${path}`, init);
  }
}

/** The frames of a turn, one after the other. */
export class V1Stream {
  readonly #lines: AsyncIterator<string>;
  readonly #reader: Interface;
  readonly #body: Readable;
  readonly #patienceMs: number;
  #runId: string | undefined;

  constructor(response: Response, patienceMs: number) {
    this.#patienceMs = patienceMs;
    if (!response.ok || response.body === null) throw new Error(`no stream: ${response.status}`);
    this.#body = Readable.from(response.body);
    this.#body.on("error", () => {});
    this.#reader = createInterface({ input: this.#body });
    this.#lines = this.#reader[Symbol.asyncIterator]();
  }

  /** `undefined` at the end. */
  async next(): Promise<Frame | undefined> {
    for (;;) {
      const { promise: late, reject } = Promise.withResolvers<never>();
      const timer = setTimeout(() => reject(new Error("the stream is silent")), this.#patienceMs);
      const line = await Promise.race([this.#lines.next(), late]).finally(() => clearTimeout(timer));
      if (line.done === true || line.value === "data: [DONE]") return undefined;
      if (!line.value.startsWith("data: ")) continue;
      const read = frame.parse(JSON.parse(line.value.slice(6)));
      this.#runId ??= read.run_id ?? undefined;
      return read;
    }
  }

  async until(type: string): Promise<void> {
    for (let read = await this.next(); read?.message_type !== type; read = await this.next())
      if (read === undefined) throw new Error(`the stream ended without ${type}`);
  }

  /** The first frame that tells it. */
  async runId(): Promise<string> {
    while (this.#runId === undefined) if ((await this.next()) === undefined) throw new Error("no run was named");
    return this.#runId;
  }

  async all(): Promise<readonly Frame[]> {
    const frames: Frame[] = [];
    for (let read = await this.next(); read !== undefined; read = await this.next()) frames.push(read);
    return frames;
  }

  async cut(): Promise<void> {
    this.#reader.close();
    this.#body.destroy();
  }
}
