import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import type { AppServerOddities } from "../../servers/app-server/state.ts";
import type { AppServerUnderContract } from "./app-server.ts";
import { AppServerCaller } from "./app-server-caller.ts";

type OddityCase = (caller: AppServerCaller, server: AppServerUnderContract) => Promise<void>;

const endless = "[[tps=20]] [[words=30]]";

/** A turn whose client goes in the middle of the answer; gives where that was, and its nonce. */
async function cutOff(caller: AppServerCaller) {
  const [conversation, nonce, client] = [await caller.newConversation(), randomUUID(), await caller.another()];
  await client.join(conversation);
  // Who else listens would keep the turn alive.
  caller.close();
  await client.send(conversation, { nonce, directives: endless });
  await client.firstWords();
  client.close();
  return { conversation, nonce, client: await caller.another() };
}

/** Waits until it holds. (`expect.poll` does not work in a case that is held to fail.) */
async function eventually(holds: () => boolean | Promise<boolean>, { haste }: AppServerUnderContract): Promise<void> {
  const deadline = performance.now() + 10_000 / haste;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error("what was waited for has not come true");
    await sleep(50 / haste);
  }
}

/** What is odd in Letta's App Server, as its client sees it: one case for each oddity of its stand-in. */
export const appServerOddityCases: Readonly<Record<keyof AppServerOddities, readonly [name: string, OddityCase]>> = {
  turnsDieWithTheirSocket: [
    "cancels a turn when the last socket that listens to it drops: its answer never becomes whole",
    async (caller, server) => {
      const [listened, otid, sender] = [await caller.newConversation(), randomUUID(), await caller.another()];
      await sender.join(listened);
      await sender.send(listened, { otid, directives: endless });
      await sender.firstWords();
      sender.close();
      expect(await caller.end(otid)).toMatchObject({ stop_reason: "end_turn" });

      const { conversation, nonce, client } = await cutOff(caller);
      await eventually(() => server.modelCalls(nonce)[0]?.endedAt !== undefined, server);
      await sleep(500 / server.haste);
      expect((await client.answers(conversation)).join()).not.toContain(" w30");
      client.close();
    },
  ],
  cutTurnsHold: [
    "takes no message where a turn was cancelled with its socket, but in a copy, and there again after a restart",
    async (caller, server) => {
      const { conversation, nonce, client } = await cutOff(caller);
      const otids = [randomUUID(), randomUUID(), randomUUID()] as const;
      await eventually(() => server.modelCalls(nonce)[0]?.endedAt !== undefined, server);
      await sleep(500 / server.haste);
      expect(await client.send(conversation, { otid: otids[0] })).toMatchObject({ accepted: true });
      expect((await client.end(otids[0])).error).toMatch(/already has an active run/);
      const message_id = (await client.history(conversation)).at(-1)?.["id"];
      const body = { agent_id: conversation.agentId, message_id };
      const type = "conversation_fork";
      const fork = await client.request({ type, conversation_id: conversation.conversationId, body });
      const copy = { ...conversation, conversationId: String(Reflect.get(Object(fork["conversation"]), "id")) };
      await client.join(copy);
      await client.send(copy, { otid: otids[1] });
      expect(await client.end(otids[1])).toMatchObject({ stop_reason: "end_turn" });
      await server.restart();
      const after = await client.another();
      await after.join(conversation);
      await after.send(conversation, { otid: otids[2] });
      expect(await after.end(otids[2])).toMatchObject({ stop_reason: "end_turn" });
      after.close();
    },
  ],
  halfAnswersAreKept: [
    "keeps the half answer of a cancelled turn in the history, as if it were whole",
    async (caller, server) => {
      const { conversation, nonce, client } = await cutOff(caller);
      await sleep(500 / server.haste);
      expect((await client.answers(conversation)).join()).toContain("stand-in");
      expect(server.modelCalls(nonce)).toHaveLength(1);
      client.close();
    },
  ],
  namedRepeatsAreSwallowed: [
    "accepts the id of a finished message again, runs nothing, and never says so",
    async (caller, server) => {
      const [conversation, otid, nonce] = [await caller.newConversation(), randomUUID(), randomUUID()];
      await caller.send(conversation, { otid, named: true });
      await caller.until(({ type }) => type === "turn_finished");
      expect(await caller.send(conversation, { otid, nonce, named: true })).toMatchObject({ accepted: true });
      await sleep(1_000 / server.haste);
      expect(server.modelCalls(nonce)).toHaveLength(0);
      expect(caller.frames.filter(({ type }) => type === "turn_finished")).toHaveLength(1);
    },
  ],
  unnamedRepeatsRun: [
    "runs a finished message again that has an otid only",
    async (caller, server) => {
      const [conversation, otid, nonce] = [await caller.newConversation(), randomUUID(), randomUUID()];
      for (let time = 1; time <= 2; time += 1) {
        await caller.send(conversation, { otid, nonce });
        await caller.until(() => caller.ends(otid).length === time);
      }
      expect(server.modelCalls(nonce)).toHaveLength(2);
    },
  ],
  badInputIsIgnored: [
    "says nothing to what it cannot read",
    async (caller, server) => {
      const bad = { request_id: "bad" };
      caller.post("{no JSON");
      for (const command of [{ type: "no_such_command" }, { type: "input", runtime: 5 }, { type: "abort_message" }])
        caller.post(JSON.stringify({ ...command, ...bad }));
      expect(await caller.request({ type: "list_models" })).toMatchObject({ success: true });
      await sleep(500 / server.haste);
      expect(caller.frames.filter(({ request_id: id, type }) => id === "bad" || type === "error")).toEqual([]);
    },
  ],
  unnamedAreRefusedWhileBusy: [
    "refuses a message without an id while a turn runs",
    async (caller) => {
      const [conversation, otid] = [await caller.newConversation(), randomUUID()];
      await caller.send(conversation, { otid, directives: endless });
      await caller.firstWords();
      expect(await caller.send(conversation, {})).toMatchObject({ accepted: false });
      expect(await caller.end(otid)).toMatchObject({ stop_reason: "end_turn" });
    },
  ],
  namedCoalesce: [
    "makes one turn, with one answer, of messages that were sent while another turn ran",
    async (caller) => {
      const conversation = await caller.newConversation();
      const otids = [randomUUID(), randomUUID(), randomUUID()] as const;
      await caller.send(conversation, { otid: otids[0], named: true, directives: endless });
      await caller.firstWords();
      await Promise.all(otids.slice(1).map((otid) => caller.send(conversation, { otid, named: true })));
      for (const otid of otids) await caller.end(otid);
      expect(await caller.answers(conversation)).toHaveLength(2);
    },
  ],
  receiptsAreKept: [
    "tells the end of a turn to whoever joins the conversation later",
    async (caller, server) => {
      const [conversation, otid] = [await caller.newConversation(), randomUUID()];
      await caller.send(conversation, { otid });
      await caller.end(otid);
      caller.close();
      const other = await caller.another();
      await other.join(conversation);
      const isTold = async () => {
        await other.sync(conversation);
        return other.ends(otid).length > 0;
      };
      await eventually(isTold, server);
      other.close();
    },
  ],
  receiptsAreLeased: [
    "keeps how a turn ended to itself for a while after it was told, and then tells it again",
    async (caller, server) => {
      const [conversation, otid] = [await caller.newConversation(), randomUUID()];
      await caller.send(conversation, { otid });
      await caller.end(otid);
      await caller.sync(conversation);
      expect(caller.ends(otid)).toHaveLength(1);
      const isToldAgain = async () => {
        await caller.sync(conversation);
        return caller.ends(otid).length > 1;
      };
      await eventually(isToldAgain, server);
    },
  ],
  abortsEndWithTheNextWord: [
    "ends an aborted turn only with its model's next word",
    async (caller, server) => {
      const [conversation, otid] = [await caller.newConversation(), randomUUID()];
      await caller.send(conversation, { otid, directives: "[[words=9]] [[stall=4]]" });
      await caller.firstWords();
      expect(await caller.abort(conversation)).toMatchObject({ aborted: true });
      await sleep(1_500 / server.haste);
      expect(caller.ends(otid)).toEqual([]);
    },
  ],
  abortedIsCalledIdle: [
    "says that it waits for input as soon as a turn is aborted, though that has not ended",
    async (caller, server) => {
      const [conversation, otid] = [await caller.newConversation(), randomUUID()];
      await caller.send(conversation, { otid, directives: "[[words=9]] [[stall=4]]" });
      await caller.firstWords();
      expect(caller.status()).not.toBe("WAITING_ON_INPUT");
      await caller.abort(conversation);
      await eventually(() => caller.status() === "WAITING_ON_INPUT", server);
      expect(caller.ends(otid)).toEqual([]);
    },
  ],
  interruptedTakesNothing: [
    "takes no message after an abort until it is told to resume",
    async (caller, server) => {
      const [conversation, otid] = [await caller.newConversation(), randomUUID()];
      await caller.send(conversation, { otid, directives: endless });
      await caller.firstWords();
      await caller.abort(conversation);
      expect(await caller.end(otid)).toMatchObject({ stop_reason: "cancelled" });
      expect(await caller.send(conversation, {})).toMatchObject({ accepted: false });
      await caller.resume(conversation);
      // It tidies up for a moment.
      await eventually(async () => (await caller.send(conversation, {}))["accepted"] === true, server);
    },
  ],
  remindersInMessages: [
    "puts notes of its own into the first message of a conversation",
    async (caller) => {
      const [conversation, otid] = [await caller.newConversation(), randomUUID()];
      await caller.send(conversation, { otid });
      await caller.end(otid);
      expect(JSON.stringify((await caller.history(conversation))[0])).toContain("<system-reminder>");
    },
  ],
};

export function appServerOdditiesContract(server: () => AppServerUnderContract): void {
  for (const [name, check] of Object.values(appServerOddityCases))
    it(name, async () => {
      const caller = await AppServerCaller.connect(server());
      await check(caller, server());
      caller.close();
    });
}
