import type { MatrixClient } from "../src/matrix/port.ts";
import type { Answer } from "./answer.ts";
import type { Screen } from "./screen.ts";
import { type Asked, ask } from "./talk.ts";

/** The few lines that are said by themselves, so that one sees it work without any client. */

export interface Line extends Asked {
  readonly agentName: string;
}

export interface ConversationOptions {
  readonly client: MatrixClient;
  readonly screen: Screen;
  readonly lines: readonly Line[];
  /** How long one answer may take, ms. */
  readonly withinMs: number;
  /** What to look at when an answer fails. */
  readonly advice: string;
  readonly stop: AbortSignal;
}

/** Says one line after the other; tells whether each was answered. Ends early when one was not. */
export async function playConversation(options: ConversationOptions): Promise<boolean> {
  const { screen, lines } = options;
  screen.heading("A conversation, through Matrix");
  for (const line of lines) {
    screen.speaker("You", "green").end(line.text);
    const outcome = await listenTo(line, options);
    if (outcome === "answer") continue;
    screen.problem(
      outcome === "error"
        ? `${line.agentName} could not answer. ${options.advice}`
        : `${line.agentName} has not answered within ${options.withinMs / 1_000} s. ${options.advice}`,
    );
    return false;
  }
  return true;
}

async function listenTo(line: Line, options: ConversationOptions): Promise<Answer["outcome"]> {
  const { client, screen, withinMs, stop } = options;
  const late = AbortSignal.timeout(withinMs);
  const live = screen.speaker(line.agentName, "magenta");
  let shown = "";
  live.show(shown);
  try {
    const answer = await ask(
      client,
      line,
      (text) => {
        shown = text;
        live.show(shown);
      },
      AbortSignal.any([late, stop]),
    );
    shown = answer.text;
    return answer.outcome;
  } catch (error) {
    stop.throwIfAborted();
    if (!late.aborted) throw error;
    return undefined;
  } finally {
    live.end(shown);
  }
}
