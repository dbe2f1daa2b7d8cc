import type { LettaModel } from "../test/servers/letta.ts";

/** The model that the agents think with. */
export type ModelChoice =
  | { readonly kind: "stand-in" }
  | {
      readonly kind: "real";
      readonly model: LettaModel;
      /** For people: provider and name. */
      readonly title: string;
      /** What to look at when the model does not answer. */
      readonly advice: string;
    };

export interface ModelEnvironment {
  readonly [name: string]: string | undefined;
}

/** Small, quick and cheap, and known to Letta 0.34. */
const anthropicDefault = "claude-haiku-4-5";
const openaiDefault = "gpt-5-mini";

/** A model setting that cannot be used. */
export class ModelSettingError extends Error {
  override readonly name = "ModelSettingError";
  readonly remedy: string;

  constructor(message: string, remedy: string) {
    super(message);
    this.remedy = remedy;
  }
}

/** Chooses by the environment: a key switches to its provider, without one the stand-in answers. */
export function chooseModel(env: ModelEnvironment): ModelChoice {
  const set = (name: string) => env[name]?.trim() || undefined;
  const name = set("DEMO_MODEL");
  const anthropicKey = set("ANTHROPIC_API_KEY");
  if (anthropicKey !== undefined) return provided("anthropic", name ?? anthropicDefault, anthropicKey);
  const openaiKey = set("OPENAI_API_KEY");
  const url = set("OPENAI_BASE_URL");
  if (url !== undefined) return compatible(url, name, openaiKey);
  if (openaiKey !== undefined) return provided("openai", name ?? openaiDefault, openaiKey);
  if (name === undefined) return { kind: "stand-in" };
  throw new ModelSettingError(
    `DEMO_MODEL is ${name}, but nothing says whose model that is`,
    "Set ANTHROPIC_API_KEY, OPENAI_API_KEY or OPENAI_BASE_URL, too, or leave DEMO_MODEL out.",
  );
}

function provided(provider: "anthropic" | "openai", name: string, apiKey: string): ModelChoice {
  const key = provider === "anthropic" ? "ANTHROPIC_API_KEY" : "OPENAI_API_KEY";
  const company = provider === "anthropic" ? "Anthropic" : "OpenAI";
  return {
    kind: "real",
    model: { provider, name, apiKey },
    title: `${company}'s ${name}, by ${key}`,
    advice: `Check ${key}, and that this machine reaches ${company}; DEMO_MODEL names another model.`,
  };
}

function compatible(url: string, name: string | undefined, apiKey: string | undefined): ModelChoice {
  if (name === undefined)
    throw new ModelSettingError(
      `OPENAI_BASE_URL is ${url}, but no model is named`,
      "Set DEMO_MODEL to one that this server has.",
    );
  return {
    kind: "real",
    model: { url, name, ...(apiKey !== undefined && { apiKey }) },
    title: `${name} at ${url}`,
    advice: `Check that ${url} answers and has the model ${name}, and OPENAI_API_KEY if it wants a key.`,
  };
}
