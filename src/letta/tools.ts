/** Which tools our turns may use: by name only, since on some servers an agent has a shell and all files of its host. */
export class ToolPolicy {
  readonly #allowed: Set<string>;
  readonly #asked: ReadonlySet<string>;

  /**
   * `memoryTools`: by which an agent keeps its memory. Without them an agent learns nothing. `toolAskList`: tools of which
   * people are asked each time. Who is on it and on `toolAllowList`, too, is on this one.
   */
  constructor(memoryTools: readonly string[], toolAllowList: readonly string[], toolAskList: readonly string[] = []) {
    this.#asked = new Set(toolAskList);
    this.#allowed = new Set([...memoryTools, ...toolAllowList]);
  }

  /** Allows tools that we serve ourselves. Of those on `toolAskList` people are asked all the same. */
  allow(tools: readonly string[]): void {
    for (const tool of tools) this.#allowed.add(tool);
  }

  /** What is offered to the model at all. */
  get offered(): readonly string[] {
    return [...new Set([...this.#allowed, ...this.#asked])];
  }

  allows(tool: string): boolean {
    return this.#allowed.has(tool) && !this.#asked.has(tool);
  }

  asks(tool: string): boolean {
    return this.#asked.has(tool);
  }

  /** Read by the model, which passes it on to the person. */
  reasonAgainst(tool: string): string {
    return `The tool ${tool} is not allowed here. The operator can allow it by name in letta.tool_allow_list or letta.tool_ask_list.`;
  }
}
