import type { Model, ModelOptions } from "../../servers/model.ts";
import { directed, type Plan } from "../../servers/model-plan.ts";
import type { ModelRequest } from "../../servers/model-request.ts";

/** A model of which one can see afterwards what it was asked. */
export interface WatchedModel {
  readonly model: Model;
  /** The last request with this nonce. */
  request(nonce: string): ModelRequest | undefined;
}

/** `haste` divides all times that a question asks for. */
export async function watchModel(
  start: (options: ModelOptions) => Promise<Model>,
  haste: number,
): Promise<WatchedModel> {
  const requests = new Map<string, ModelRequest>();
  const model = await start({
    behaviour: (request) => {
      if (request.nonce !== undefined) requests.set(request.nonce, request);
      return hastened(directed(request), haste);
    },
  });
  return { model, request: (nonce) => requests.get(nonce) };
}

function hastened(plan: Plan, haste: number): Plan {
  return {
    ...plan,
    ...(plan.delayMs === undefined ? {} : { delayMs: plan.delayMs / haste }),
    ...(plan.tokensPerSecond === undefined ? {} : { tokensPerSecond: plan.tokensPerSecond * haste }),
  };
}
