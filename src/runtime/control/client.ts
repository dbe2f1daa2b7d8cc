import { request as httpRequest, type IncomingMessage } from "node:http";
import type { z } from "zod";
import { errorCode } from "../error-code.ts";
import { answerSchema, ControlError, maxAnswerBytes } from "./protocol.ts";
import { assertSocketPath } from "./socket-path.ts";

export interface ControlClientOptions {
  readonly path: string;
  /** Milliseconds that one call may take, from connecting to the last byte of its answer. */
  readonly timeoutMs: number;
}

/** Calls the commands of a running process over its control socket. */
export class ControlClient {
  readonly #path: string;
  readonly #timeoutMs: number;

  constructor({ path, timeoutMs }: ControlClientOptions) {
    assertSocketPath(path);
    this.#path = path;
    this.#timeoutMs = timeoutMs;
  }

  /**
   * Carries out a command there and gives its result. Throws {@link ControlError}, or why the signal was aborted: then the
   * command is aborted, too.
   */
  async call<TOutput>(
    name: string,
    input: unknown,
    output: z.ZodType<TOutput>,
    cancel?: AbortSignal,
  ): Promise<TOutput> {
    const parsed = answerSchema.safeParse(await this.#post(name, JSON.stringify(input), cancel));
    if (!parsed.success) throw malformed(`the answer to "${name}" has an unknown shape`, parsed.error);
    if ("error" in parsed.data) {
      const { message, remedy } = parsed.data.error;
      throw new ControlError("refused", message, remedy ?? "See the log of the running process.");
    }
    const result = output.safeParse(parsed.data.result);
    if (!result.success) throw malformed(`the result of "${name}" has an unknown shape`, result.error);
    return result.data;
  }

  #post(name: string, body: string, cancel?: AbortSignal): Promise<unknown> {
    const overdue = AbortSignal.timeout(this.#timeoutMs);
    const signal = cancel === undefined ? overdue : AbortSignal.any([overdue, cancel]);
    return new Promise((resolve, reject) => {
      const fail = (cause: unknown): void =>
        reject(cancel?.aborted === true ? cancel.reason : this.#explain(cause, overdue));
      const request = httpRequest(
        { socketPath: this.#path, path: `/${name}`, method: "POST", agent: false, signal },
        (response) => void readJson(response).then(resolve, fail),
      );
      request.once("error", fail);
      request.setHeader("content-type", "application/json");
      request.end(body);
    });
  }

  #explain(cause: unknown, signal: AbortSignal): ControlError {
    if (cause instanceof ControlError) return cause;
    if (signal.aborted)
      return new ControlError(
        "overdue",
        `no answer within ${this.#timeoutMs / 1000} s`,
        "The running process is very busy or stuck: look at its log.",
        cause,
      );
    const code = errorCode(cause);
    if (code === "ENOENT" || code === "ECONNREFUSED")
      return new ControlError(
        "not-running",
        `nothing listens at ${this.#path}`,
        "Start the program, or name the data folder of the one that runs.",
        cause,
      );
    if (code === "EACCES" || code === "EPERM")
      return new ControlError(
        "forbidden",
        `the control socket ${this.#path} belongs to another user`,
        "Run this command as the user who runs the program.",
        cause,
      );
    return malformed(`the connection ended without an answer (${code})`, cause);
  }
}

async function readJson(response: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response) {
    const bytes = Buffer.from(chunk);
    length += bytes.length;
    if (length > maxAnswerBytes) throw malformed(`the answer is larger than ${maxAnswerBytes} bytes`);
    chunks.push(bytes);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString("utf8"));
  } catch (cause) {
    throw malformed("the answer is not JSON", cause);
  }
}

function malformed(message: string, cause?: unknown): ControlError {
  return new ControlError(
    "malformed",
    message,
    "Check that this command and the running process are of the same version.",
    cause,
  );
}
