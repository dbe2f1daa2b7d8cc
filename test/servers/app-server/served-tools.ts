import { randomUUID } from "node:crypto";
import { z } from "zod";
import type { Listener } from "./runtime.ts";

const group = z.object({
  scope_id: z.string().optional(),
  tools: z.array(z.object({ name: z.string(), description: z.string(), parameters: z.looseObject({}) })),
});

/** As `runtime_start` brings them. */
export const toolGroups = z.array(group);

export const toolResult = z.object({
  content: z.array(z.object({ type: z.literal("text"), text: z.string() })),
  is_error: z.boolean().optional(),
});

type Result = z.infer<typeof toolResult>;

/** The tools that clients of one conversation serve themselves. */
export class ServedTools {
  readonly #groups = new Map<Listener, z.infer<typeof toolGroups>>();
  readonly #calls = new Map<string, { readonly listener: Listener; settle(result: Result | undefined): void }>();

  offer(listener: Listener, groups: z.infer<typeof toolGroups>): void {
    this.#groups.set(listener, groups);
  }

  /** Nobody answers for this client any more. */
  leave(listener: Listener): void {
    this.#groups.delete(listener);
    for (const call of this.#calls.values()) if (call.listener === listener) call.settle(undefined);
  }

  /** `undefined` when no client serves such a tool to who names these scopes. */
  call(
    { name, id, arguments: given }: { readonly name: string; readonly id: string; readonly arguments: string },
    scopes: readonly string[],
    runtime: object,
  ): Promise<string> | undefined {
    for (const [listener, groups] of this.#groups)
      for (const { scope_id, tools } of groups) {
        const isOffered = scope_id === undefined || scopes.includes(scope_id);
        if (!isOffered || tools.every((tool) => tool.name !== name)) continue;
        const request_id = `external-tool-${randomUUID()}`;
        const { promise, resolve } = Promise.withResolvers<Result | undefined>();
        this.#calls.set(request_id, { listener, settle: resolve });
        const input: unknown = JSON.parse(given);
        const call = { tool_call_id: id, tool_name: name, input };
        listener.send({ type: "external_tool_call_request", request_id, runtime, scope_id, ...call });
        return promise.then((result) => {
          this.#calls.delete(request_id);
          return result?.content.map(({ text }) => text).join("\n") ?? "External tool controller is not connected";
        });
      }
    return undefined;
  }

  settle(requestId: string, result: Result): void {
    this.#calls.get(requestId)?.settle(result);
  }
}
