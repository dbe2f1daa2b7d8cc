import { expect } from "vitest";
import { type Client, failure, never, type Question, type ServerUnderContract, until } from "./server.ts";

/** What had been said when the server died. */
export interface Said {
  /** Its answer was whole. */
  readonly answered: Question;
  /** Its model had not said a word. */
  readonly early: Question;
  /** Its answer was being written. */
  readonly late: Question;
}

/** Kills the server in the middle of two turns; what the client says of a message then is what a person can act on. */
export async function killInMidTurn(
  server: ServerUnderContract,
  { backend }: Client,
  { answered, early, late }: Said,
  remedy: RegExp,
): Promise<void> {
  const turns = [await until(backend.ask(early, never), "accepted"), await until(backend.ask(late, never), "text")];
  await expect.poll(() => server.modelCalls(early.nonce).length, { timeout: 10_000 }).toBe(1);
  await server.kill();
  for (const { rest } of turns) expect(await rest).toMatchObject({ kind: "unreachable" });
  const error = await failure(backend.lookUp(answered.conversation, answered.otid, never));
  expect(error).toMatchObject({ kind: "unreachable" });
  expect(error.remedy).toMatch(remedy);
}
