/** Says a text of ours in a model's words. */
export type Wording = (text: string) => string;

/** A command, as our texts name it to programs (`rooms.create`) and to operators (`letta-matrix agents`). */
const named = /`(?:letta-matrix )?([a-z]+(?:[.-][a-z]+)*)`/g;

/** Commands tell of each other by their names; a model knows them by those of the tools. */
export function wordingOf(tools: readonly { readonly name: string; readonly command: string }[]): Wording {
  const toolOf = new Map(tools.map(({ name, command }) => [command, name]));
  return (text) =>
    text.replaceAll(named, (whole, command: string) => {
      const tool = toolOf.get(command);
      return tool === undefined ? whole : `\`${tool}\``;
    });
}
