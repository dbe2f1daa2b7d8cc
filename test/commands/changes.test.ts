import { expect, test } from "vitest";
import { Changes, topics } from "../../src/commands/watch/changes.ts";
import { addressOf } from "../../src/machines/addresses.ts";
import type { ActorId } from "../../src/runtime/actor-id.ts";
import type { Transition } from "../../src/runtime/host.ts";
import { recordOf } from "../actors/agent-record.ts";
import { SimulatedClock } from "../runtime/simulated-clock.ts";

const server = "example.org";
const { signal } = new AbortController();
const scout = addressOf.agent(server, "agent-1");

function following() {
  const clock = new SimulatedClock();
  const listeners = new Set<(transition: Transition) => void>();
  const subscribe = (listener: (transition: Transition) => void) => {
    listeners.add(listener);
    return () => void listeners.delete(listener);
  };
  const changes = new Changes({ subscribe }, clock);
  const step = (id: ActorId, event = "POLLED"): void => {
    const record = recordOf({ id, machine: "agent", value: "ready" });
    const line = { revision: 1, at: 0, event, to: "ready", effects: [], handled: true };
    for (const listener of listeners) listener({ record, line });
  };
  return { clock, changes, step };
}

test("who asks hears of a step of the agent, of its conversations, and of nothing else", async () => {
  const { changes, step } = following();
  const topic = topics.agent("agent-1");
  const { at } = await changes.next({ topics: [{ topic }], patience: 0 }, signal);
  step(addressOf.agent(server, "agent-2"));
  step(addressOf.outbox(server, "@x:example.org", "!room:example.org"));
  expect(await changes.next({ topics: [{ topic, after: at }], patience: 0 }, signal)).toMatchObject({ changed: [] });
  step(addressOf.conversation(server, "agent-1", "!room:example.org"));
  step(scout);
  const heard = await changes.next({ topics: [{ topic, after: at }], patience: 0 }, signal);
  expect(heard.changed).toEqual([topic]);
  expect(await changes.next({ topics: [{ topic, after: heard.at }], patience: 0 }, signal)).toMatchObject({
    changed: [],
  });
});

test("who waits hears at once, or after its patience that nothing was", async () => {
  const { clock, changes, step } = following();
  const room = topics.room("!room:example.org");
  const { at } = await changes.next({ topics: [{ topic: room }], patience: 0 }, signal);
  const patient = changes.next({ topics: [{ topic: room, after: at }], patience: 1_000 }, signal);
  step(addressOf.outbox(server, "@x:example.org", "!room:example.org"));
  expect(await patient).toMatchObject({ changed: [room] });
  const vain = changes.next({ topics: [{ topic: room }], patience: 1_000 }, signal);
  clock.advance(1_000);
  expect(await vain).toMatchObject({ changed: [] });
  expect(clock.pending).toBe(0);
});

test("who has heard of another process, or of nothing for too long, hears that all may have changed", async () => {
  const { changes } = following();
  const topic = topics.status;
  await changes.next({ topics: [{ topic }], patience: 0 }, signal);
  for (const after of ["another-process 3", "nonsense", ""])
    expect(await changes.next({ topics: [{ topic, after }], patience: 60_000 }, signal)).toMatchObject({
      changed: [topic],
    });
});

test("the list of agents changes when discovery tells one something, and a crash is a change of the agent", async () => {
  const { changes, step } = following();
  const both = [{ topic: topics.agents }, { topic: topics.agent("agent-1") }];
  const { at } = await changes.next({ topics: both, patience: 0 }, signal);
  const asked = both.map(({ topic }) => ({ topic, after: at }));
  changes.touched(scout);
  expect(await changes.next({ topics: asked, patience: 0 }, signal)).toMatchObject({ changed: ["agent agent-1"] });
  step(scout, "DISCOVERED");
  expect(await changes.next({ topics: asked, patience: 0 }, signal)).toMatchObject({
    changed: ["agents", "agent agent-1"],
  });
});

test("whoever is gone is not waited for", async () => {
  const { clock, changes } = following();
  const gone = new AbortController();
  const waiting = changes.next({ topics: [{ topic: topics.status }], patience: 60_000 }, gone.signal);
  gone.abort(new Error("gone"));
  await expect(waiting).rejects.toThrow("gone");
  expect(clock.pending).toBe(0);
});
