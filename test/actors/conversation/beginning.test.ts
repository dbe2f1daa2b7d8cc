import { beforeEach, describe, expect, test } from "vitest";
import { conversationBehaviour } from "../../../src/actors/conversation/behaviour.ts";
import { addressOf } from "../../../src/machines/addresses.ts";
import type { ActorId } from "../../../src/runtime/actor-id.ts";
import type { Host } from "../../../src/runtime/host.ts";
import { memoryHost } from "../../runtime/memory-host.ts";
import { type TurnWorld, turnWorld } from "./turn-world.ts";

let w: TurnWorld;
let host: Host;
let actor: ActorId;

beforeEach(async () => {
  w = await turnWorld();
  const behaviours = [conversationBehaviour({ ...w, directory: { isPaused: () => true } })];
  host = (await memoryHost({ behaviours, clock: w.clock })).host;
  actor = addressOf.conversation("test", "agent-1", w.roomId);
});

const sender = "@anna:test";
const edit = { type: "EDITED", edits: "$1", sender, text: "how?" };
const question = { eventId: "$1", sender, sentAt: 0, text: "why?", mentioned: true };

describe("a conversation", () => {
  test.each([
    edit,
    { type: "APPROVE", command: { name: "approve", eventId: "$2", sender, permitted: true, reactionTo: "$1" } },
  ])("is not begun by what is about something that was said before ($type)", async (event) => {
    await host.accept(actor, event, { id: "$2" });
    expect(host.read(actor)).toBeUndefined();
  });

  test("hears of a change of its first question, also one that came before that", async () => {
    await host.accept(actor, edit, { id: "$2" });
    await Promise.all([
      host.accept(actor, { type: "PAUSED" }),
      host.accept(actor, { type: "MESSAGE", question }, { id: "$1" }),
      host.accept(actor, edit, { id: "$2" }),
    ]);
    expect(host.read(actor)?.context["queue"]).toMatchObject([{ text: "how?" }]);
  });
});
