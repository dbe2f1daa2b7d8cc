/** Letta's own tool by which an agent keeps its memory. Without it an agent learns nothing. */
export const memoryTools: readonly string[] = ["Memory"];

/** Which tools our turns may use. By default a runtime has a shell and all files of Letta's host: so by name only. */
export class ToolPolicy {
  readonly #allowed: ReadonlySet<string>;

  constructor(toolAllowList: readonly string[]) {
    this.#allowed = new Set([...memoryTools, ...toolAllowList]);
  }

  /** What is offered to the model at all. */
  get offered(): readonly string[] {
    return [...this.#allowed];
  }

  allows(tool: string): boolean {
    return this.#allowed.has(tool);
  }

  /** Read by the model, which passes it on to the person. */
  reasonAgainst(tool: string): string {
    return `The tool ${tool} is not allowed here. The operator can allow it by name in letta.tool_allow_list.`;
  }
}
