import { randomUUID } from "node:crypto";
import { expect, it } from "vitest";
import { z } from "zod";
import type { Conversation } from "../../../src/letta/port.ts";
import type { V1Oddities } from "../../servers/v1/state.ts";
import type { restServer } from "./rest-server.ts";
import { V1Caller } from "./v1-caller.ts";

type Server = Awaited<ReturnType<typeof restServer>>;
type OddityCase = (caller: V1Caller, server: Server) => Promise<void>;

/** What is odd in Letta's V1 server, as its client sees it: one case for each oddity of its stand-in. */
export const v1OddityCases: Readonly<Record<keyof V1Oddities, readonly [name: string, check: OddityCase]>> = {
  repeatsAreReplayed: [
    "plays the same otid's turn again in the background, whatever the text",
    async (caller, server) => {
      const [conversation, otid, other] = [await caller.newConversation(), randomUUID(), randomUUID()];
      const first = await caller.ask(conversation, { otid });
      const again = await caller.ask(conversation, { otid, nonce: other });
      expect(textIn(await again.all())).toBe(textIn(await first.all()));
      expect(server.modelCalls(other)).toHaveLength(0);
    },
  ],
  foregroundRepeatsRun: [
    "runs the same otid again in the foreground",
    async (caller, server) => {
      const [conversation, otid, nonce] = [await caller.newConversation(), randomUUID(), randomUUID()];
      for (let time = 0; time < 2; time += 1)
        await (await caller.ask(conversation, { otid, nonce, background: false })).all();
      expect(server.modelCalls(nonce)).toHaveLength(2);
    },
  ],
  busyIsRefused: [
    "refuses a message while a run goes on, and names the run",
    async (caller) => {
      const conversation = await caller.newConversation();
      const running = await caller.ask(conversation, { directives: "[[tps=5]] [[words=20]]" });
      const runId = await running.runId();
      const response = await caller.send(conversation, {});
      expect(response.status).toBe(409);
      expect(z.object({ run_id: z.string() }).parse(await response.json()).run_id).toBe(runId);
      await running.all();
    },
  ],
  pendingFailsInStream: [
    "takes a message while a tool call waits for approval, and fails it in its own stream",
    async (caller) => {
      const conversation = await caller.newConversation("memory_insert");
      const call = `[[tool=memory_insert]] [[arguments={"label":"persona","new_string":"I learn."}]]`;
      await (await caller.ask(conversation, { directives: call })).all();
      const next = await caller.ask(conversation, {});
      expect(JSON.stringify(await next.all())).toMatch(/waiting for approval/i);
    },
  ],
  unknownHistoryIsEmpty: [
    "calls the history of a conversation that never was empty",
    async (caller) => {
      expect(await caller.history({ agentId: "", conversationId: `conv-${randomUUID()}` })).toEqual([]);
    },
  ],
  storesAfterFirstStep: [
    "has a message in the history only when its first step is done",
    async (caller) => {
      const [conversation, otid] = [await caller.newConversation(), randomUUID()];
      const turn = await caller.ask(conversation, { otid, directives: "[[tps=5]] [[words=20]]" });
      await turn.until("assistant_message");
      const known = async () => (await caller.history(conversation)).some((entry) => entry.otid === otid);
      expect(await known()).toBe(false);
      await turn.all();
      expect(await known()).toBe(true);
    },
  ],
  ownHistoryIsAscending: [
    "gives the oldest first of an agent's own conversation, also when it is asked for the newest first",
    async (caller) => {
      const [own, made] = [await caller.ownConversation(), await caller.newConversation()];
      for (const conversation of [own, made]) await (await caller.ask(conversation, {})).all();
      const types = async (conversation: Conversation) =>
        (await caller.history(conversation, "desc")).map(({ message_type }) => message_type);
      expect((await types(own)).slice(-2)).toEqual(["user_message", "assistant_message"]);
      expect((await types(made)).slice(0, 2)).toEqual(["assistant_message", "user_message"]);
    },
  ],
  deadRunsStay: [
    "calls a run running whose server was killed, and keeps its conversation locked",
    async (caller, server) => {
      const conversation = await caller.newConversation();
      const turn = await caller.ask(conversation, { directives: "[[tps=20]] [[words=200]]" });
      const runId = await turn.runId();
      await server.kill();
      await turn.cut();
      await server.restart();
      expect(await caller.runStatus(runId)).toBe("running");
      expect((await caller.send(conversation, {})).status).toBe(409);
    },
  ],
  pingsForTheDead: [
    "pings whoever listens to a run that died with its server",
    async (caller, server) => {
      const [conversation, otid] = [await caller.newConversation(), randomUUID()];
      const turn = await caller.ask(conversation, { otid, directives: "[[delay=20000]]" });
      const runId = await turn.runId();
      await server.kill();
      await turn.cut();
      await server.restart();
      const dead = await caller.resume(conversation, { run_id: runId });
      const heard: (string | undefined)[] = [];
      for (let frame = 0; frame < 3; frame += 1) heard.push((await dead.next())?.message_type);
      expect(heard).toEqual(["ping", "ping", "ping"]);
      await dead.cut();
    },
  ],
};

export function v1OdditiesContract(server: () => Server): void {
  for (const [name, check] of Object.values(v1OddityCases)) it(name, () => check(new V1Caller(server()), server()));
}

function textIn(frames: readonly { readonly message_type?: string | undefined; readonly content?: unknown }[]): string {
  return frames
    .filter(isAnswer)
    .map(({ content }) => JSON.stringify(content))
    .join("");
}

function isAnswer({ message_type }: { readonly message_type?: string | undefined }): boolean {
  return message_type === "assistant_message";
}
