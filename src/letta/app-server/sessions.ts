import { z } from "zod";
import type { Conversation, ExternalTools, LettaError } from "../port.ts";
import { unlessAborted } from "../unless-aborted.ts";
import type { Request } from "./connection.ts";
import { offered } from "./external-calls.ts";
import type { RuntimeFrame } from "./frames.ts";
import { Session } from "./session.ts";

interface Opened {
  readonly session: Session;
  readonly ready: Promise<Session>;
}

/** The conversations that the present connection takes part in. */
export class Sessions {
  readonly #opened = new Map<string, Opened>();
  readonly #tools: () => ExternalTools | undefined;

  /** `tools` gives what we serve ourselves. */
  constructor(tools: () => ExternalTools | undefined) {
    this.#tools = tools;
  }

  /**
   * Takes part in the conversation: from here on its frames are heard. Always strict, since Letta's own default lets a
   * model run any tool on Letta's host.
   */
  open(conversation: Conversation, request: Request, signal: AbortSignal): Promise<Session> {
    const key = keyOf(conversation.agentId, conversation.conversationId);
    const opened = this.#opened.get(key) ?? this.#start(key, conversation, request);
    return unlessAborted(opened.ready, signal);
  }

  handle(frame: RuntimeFrame): void {
    this.of(frame)?.handle(frame);
  }

  /** Where this is said. */
  of({ runtime }: RuntimeFrame): Session | undefined {
    return this.#opened.get(keyOf(runtime.agent_id, runtime.conversation_id))?.session;
  }

  lose(error: LettaError): void {
    const lost = [...this.#opened.values()];
    this.#opened.clear();
    for (const { session } of lost) session.lose(error);
  }

  get all(): readonly Session[] {
    return [...this.#opened.values()].map(({ session }) => session);
  }

  #start(key: string, conversation: Conversation, request: Request): Opened {
    const session = new Session(conversation);
    const tools = this.#tools();
    const command = {
      type: "runtime_start",
      ...session.runtime,
      mode: "strict",
      client_info: { name: "letta-matrix" },
      wait_for_replay: true,
      recover_approvals: false,
      ...(tools !== undefined && { external_tools: offered(tools) }),
    };
    const ready = request(command, z.unknown(), never).then(() => session);
    const opened = { session, ready };
    this.#opened.set(key, opened);
    ready.catch(() => {
      if (this.#opened.get(key) === opened) this.#opened.delete(key);
    });
    return opened;
  }
}

/** Several may wait for the same start, so none of them ends it; the request has its own time limit. */
const never = new AbortController().signal;

function keyOf(agentId: string, conversationId: string): string {
  return JSON.stringify([agentId, conversationId]);
}
