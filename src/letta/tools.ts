/** Which tools our turns may use: by name only, since on some servers an agent has a shell and all files of its host. */
export class ToolPolicy {
  readonly #allowed: ReadonlySet<string>;

  /** Besides the operator's list: tools by which an agent keeps its memory. Without them an agent learns nothing. */
  constructor(memoryTools: readonly string[], toolAllowList: readonly string[]) {
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
