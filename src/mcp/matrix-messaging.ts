import { z } from "zod";
import type { Principal } from "../commands/access/principal.ts";
import type { Catalogue } from "./catalogue.ts";
import type { ListedTool, Tool } from "./tool.ts";

/** The one tool of the older system's deployed server: an operation and whatever that takes. */

/** Which tool does what the operation did. */
const operations: Readonly<Record<string, string>> = {
  send: "send_matrix_message",
  read: "get_room_messages",
  room_search: "search_messages",
  react: "react_to_message",
  edit: "edit_message",
  redact: "redact_message",
  room_join: "join_room",
  room_leave: "leave_room",
  room_list: "list_matrix_rooms",
  room_create: "create_matrix_room",
  room_invite: "invite_to_room",
  room_members: "list_room_members",
  letta_send: "send_message_to_agent",
  talk_to_agent: "send_message_to_agent",
  letta_list: "list_agents",
  letta_lookup: "get_agent_room",
};

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
  const list = [...known].map(([operation, { listed }]) => `${operation} (as ${listed.name})`).join(", ");
  return {
    name: "matrix_messaging",
    title: "Matrix messaging",
    description: `The older system's tool, for those who know it: an operation, with the arguments of the tool that does it now. Others take that tool itself. Operations: ${list}.`,
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

/** The tool that is meant. Throws {@link NoSuchOperation}. */
export function operationOf(
  args: unknown,
  tools: readonly Tool[],
  catalogue: Catalogue,
  principal: Principal,
): Operation {
  const known = available(tools, catalogue, principal);
  const { data } = given.safeParse(args);
  const tool = known.get(data?.operation ?? "");
  if (data === undefined || tool === undefined) throw new NoSuchOperation(data?.operation, [...known.keys()]);
  const { operation: _, ...rest } = data;
  return { tool, arguments: rest };
}

/** Some of its operations belong to the other toolset now. */
function available(tools: readonly Tool[], catalogue: Catalogue, { scopes }: Principal) {
  const others = catalogue.of("agents").filter(({ command }) => scopes.has(command.scope));
  const byName = new Map([...tools, ...others].map((tool) => [tool.listed.name, tool]));
  return new Map(
    Object.entries(operations).flatMap(([operation, name]) => {
      const tool = byName.get(name);
      return tool === undefined ? [] : [[operation, tool] as const];
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
