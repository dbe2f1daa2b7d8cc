import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { z } from "zod";

export interface ToolCall {
  readonly id: string;
  readonly name: string;
  readonly arguments: string;
}

export class ModelFailed extends Error {
  override readonly name = "ModelFailed";
  readonly inMidAnswer: boolean;

  constructor(message: string, inMidAnswer: boolean) {
    super(message);
    this.inMidAnswer = inMidAnswer;
  }
}

const chunk = z.object({
  choices: z.array(
    z.object({
      delta: z.object({
        content: z.string().nullish(),
        tool_calls: z
          .array(z.object({ id: z.string(), function: z.object({ name: z.string(), arguments: z.string() }) }))
          .optional(),
      }),
    }),
  ),
});

interface ModelRequest {
  readonly model: string;
  readonly messages: readonly object[];
  readonly tools: readonly string[];
}

/** Yields the pieces of the model's answer, and a tool call as a whole. */
export async function* askModel(
  url: string,
  request: ModelRequest,
  signal: AbortSignal,
): AsyncGenerator<string | ToolCall> {
  const tools = request.tools.map((name) => ({ type: "function", function: { name, parameters: {} } }));
  const body = JSON.stringify({ ...request, stream: true, tools });
  let begun = false;
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body,
      signal,
    });
    if (!response.ok || response.body === null)
      throw new ModelFailed(`Error code: ${response.status} - ${await quoted(response)}`, false);
    const lines = createInterface({ input: Readable.from(response.body) });
    // It may fail when whoever asked has heard enough and gone.
    lines.on("error", () => {});
    for await (const line of lines) {
      if (!line.startsWith("data: {")) continue;
      for (const { delta } of chunk.parse(JSON.parse(line.slice(6))).choices) {
        begun = true;
        if (delta.content) yield delta.content;
        for (const { id, function: fn } of delta.tool_calls ?? []) yield { id, ...fn };
      }
    }
  } catch (error) {
    if (signal.aborted || error instanceof ModelFailed) throw error;
    throw new ModelFailed("Connection error during OpenAI streaming: peer closed connection", begun);
  }
}

/** As Python shows it. */
async function quoted(response: Response): Promise<string> {
  const { error } = z.object({ error: z.object({ message: z.string() }) }).parse(await response.json());
  return `{'error': {'message': '${error.message}', 'type': 'stand_in_error'}}`;
}
