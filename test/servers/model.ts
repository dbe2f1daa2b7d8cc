import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { json } from "node:stream/consumers";
import { freePort } from "./free-port.ts";
import { answer, type Outcome, type Progress, sendJson } from "./model-answer.ts";
import { type Behaviour, directed } from "./model-plan.ts";
import { chatRequestSchema, readRequest } from "./model-request.ts";

export interface ModelOptions {
  /** Default: a free one. */
  readonly port?: number;
  /** Default: `stand-in`. */
  readonly name?: string;
  /** Default: {@link directed}. */
  readonly behaviour?: Behaviour;
}

/** A chat completion request that the model got; times in milliseconds since 1970. */
export interface ModelCall {
  /** From 1, over the life of the model. */
  readonly number: number;
  readonly at: number;
  readonly nonce?: string;
  readonly secretWord?: string;
  readonly question: string;
  /** True for the requests of a turn after its first tool call. */
  readonly afterTool: boolean;
  readonly firstTokenAt?: number;
  readonly endedAt?: number;
  /** Missing while it is being answered. */
  readonly outcome?: Outcome;
}

export interface Model {
  /** What an OpenAI client calls its base URL: `http://127.0.0.1:PORT/v1`. */
  readonly url: string;
  readonly name: string;
  /** From the next request on; without argument as at the start. */
  behave(behaviour?: Behaviour): void;
  /** All calls up to now, oldest first. `GET /__requests` gives the same. */
  calls(): ModelCall[];
  /** Cuts the answers that are under way. */
  stop(): Promise<void>;
}

type Call = { -readonly [Key in keyof ModelCall]: ModelCall[Key] } & Progress;

/** Starts the stand-in model, which speaks OpenAI's chat completions, in this process. */
export async function startModel(options: ModelOptions = {}): Promise<Model> {
  const name = options.name ?? "stand-in";
  const atStart = options.behaviour ?? directed;
  let behaviour = atStart;
  const calls: Call[] = [];

  const complete = async (incoming: IncomingMessage, response: ServerResponse) => {
    const parsed = chatRequestSchema.safeParse(await json(incoming).catch(() => undefined));
    if (!parsed.success) {
      sendJson(response, 400, { error: { message: `not a chat completion request: ${parsed.error.message}` } });
      return;
    }
    const request = readRequest(parsed.data);
    const { nonce, secretWord, question, toolResults } = request;
    const earlier = nonce === undefined ? 0 : calls.filter((call) => call.nonce === nonce).length;
    const call: Call = {
      number: calls.length + 1,
      at: Date.now(),
      question,
      afterTool: toolResults.length > 0,
      ...(nonce === undefined ? {} : { nonce }),
      ...(secretWord === undefined ? {} : { secretWord }),
    };
    calls.push(call);
    const { model, stream } = request;
    call.outcome = await answer(
      behaviour({ ...request, earlier }),
      { model, stream, number: call.number },
      response,
      call,
    );
    call.endedAt = Date.now();
  };

  const server = createServer((incoming, response) => {
    const route = `${incoming.method} ${incoming.url}`;
    if (route === "POST /v1/chat/completions") {
      complete(incoming, response).catch((error: Error) => {
        if (!response.headersSent) sendJson(response, 500, { error: { message: `stand-in model: ${error.message}` } });
        else response.destroy(error);
      });
    } else if (route === "GET /v1/models") {
      sendJson(response, 200, {
        object: "list",
        data: [{ id: name, object: "model", created: 0, owned_by: "stand-in" }],
      });
    } else if (route === "GET /__requests") {
      sendJson(response, 200, { requests: calls });
    } else {
      sendJson(response, 404, { error: { message: `the stand-in model has no ${route}` } });
    }
  });
  const port = options.port ?? (await freePort());
  server.listen(port, "127.0.0.1");
  await once(server, "listening");

  return {
    url: `http://127.0.0.1:${port}/v1`,
    name,
    behave(next = atStart) {
      behaviour = next;
    },
    calls: () => calls.map((call) => ({ ...call })),
    async stop() {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
