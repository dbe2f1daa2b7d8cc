import { expect, test } from "vitest";
import { ensureAccount } from "../../../src/actors/agent/account.ts";
import { effectContext } from "../effect-context.ts";
import { newSessions, town } from "../town.ts";

const input = { userId: "@agent_1:test", name: "Scout", renew: true };

test("a refused session is forgotten once: a restart after the new login keeps that", async () => {
  const { homeserver, vault, sessions } = await town();
  homeserver.refuseTokens(input.userId);
  const first = effectContext<never>();
  await ensureAccount(sessions)(input, first);
  expect(homeserver.count("login")).toBe(1);

  const restarted = effectContext<never>({ restarted: true, checkpointed: first.checkpoints.at(-1) });
  await ensureAccount(newSessions(homeserver, vault))(input, restarted);
  expect(homeserver.count("login")).toBe(1);
});

test("an account that is there makes no request", async () => {
  const { homeserver, sessions } = await town();
  const before = homeserver.requests.length;
  await ensureAccount(sessions)({ ...input, renew: false }, effectContext<never>());
  expect(homeserver.requests).toHaveLength(before);
});
