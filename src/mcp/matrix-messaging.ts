import { z } from "zod";
import type { Principal } from "../commands/access/principal.ts";
import type { Catalogue } from "./catalogue.ts";
import { type FormerOperation, formerOperations, renamed } from "./former-operations.ts";
import type { ListedTool, Tool } from "./tool.ts";

/** The one tool of the older system's deployed server: an operation and whatever that takes. */

const given = z.looseObject({ operation: z.string() });

export interface Operation {
  readonly tool: Tool;
  readonly arguments: unknown;
}

export function isOperation(meant: object): meant is Operation {
  return "tool" in meant;
}

/** `undefined` when the caller may use none of its operations. */
export function matrixMessaging(
  tools: readonly Tool[],
  catalogue: Catalogue,
  principal: Principal,
): ListedTool | undefined {
  const known = available(tools, catalogue, principal);
  if (known.size === 0) return undefined;
  const list = [...known].map(([operation, { tool }]) => `${operation} (as ${tool.listed.name})`).join(", ");
  return {
    name: "matrix_messaging",
    title: "Matrix messaging",
    description: `The older system's tool, for those who know it: an operation, with the arguments that it took there, or those of the tool that does it now. Others take that tool itself. Operations: ${list}.`,
    inputSchema: {
      type: "object",
      properties: { operation: { type: "string", enum: [...known.keys()], description: "What is to be done." } },
      required: ["operation"],
      additionalProperties: true,
    },
    annotations: {
      title: "Matrix messaging",
      readOnlyHint: false,
      destructiveHint: true,
      idempotentHint: false,
      openWorldHint: true,
    },
  };
}

/** The tool that is meant, with its arguments. Throws {@link NoSuchOperation}, and what {@link renamed} throws. */
export function operationOf(
  args: unknown,
  tools: readonly Tool[],
  catalogue: Catalogue,
  principal: Principal,
): Operation {
  const known = available(tools, catalogue, principal);
  const { data } = given.safeParse(args);
  const meant = data && known.get(isReply(data) ? "reply" : data.operation);
  if (meant === undefined) throw new NoSuchOperation(data?.operation, [...known.keys()]);
  const { operation: _, ...rest } = data ?? {};
  return { tool: meant.tool, arguments: Object.fromEntries(renamed(rest, meant.former, meant.tool, principal)) };
}

/** It had no operation of its own. */
function isReply(data: z.output<typeof given>): boolean {
  return data.operation === "send" && Object.hasOwn(data, "reply_to_event_id");
}

interface Known {
  readonly former: FormerOperation;
  readonly tool: Tool;
}

/** Some of its operations belong to the other toolset now. */
function available(tools: readonly Tool[], catalogue: Catalogue, { scopes }: Principal): ReadonlyMap<string, Known> {
  const others = catalogue.of("agents").filter(({ command }) => scopes.has(command.scope));
  const byName = new Map([...tools, ...others].map((tool) => [tool.listed.name, tool]));
  return new Map(
    [...formerOperations].flatMap(([operation, former]) => {
      const tool = byName.get(former.tool);
      return tool === undefined ? [] : [[operation, { former, tool }] as const];
    }),
  );
}

/** Nothing was done. */
export class NoSuchOperation extends Error {
  override readonly name = "NoSuchOperation";
  readonly remedy: string;

  constructor(operation: string | undefined, known: readonly string[]) {
    super(
      operation === undefined
        ? "no operation is named"
        : `the operation "${operation.slice(0, 100)}" is not served here`,
    );
    this.remedy = `Operations are: ${known.join(", ")}.`;
  }
}
