import { describe, expect, test } from "vitest";
import { agentOf } from "../src/machines/addresses.ts";
import type { Ports } from "../src/ports.ts";
import type { Host } from "../src/runtime/host.ts";
import { enterTransport, leavePushes, NoWayBack } from "../src/transport.ts";
import { agentRecord } from "./actors/agent-record.ts";
import { FakeVault } from "./ports/fake-vault.ts";

const pushing = { pushes: {} } as Ports;
const polling = {} as Ports;
const administered = { admin: {} } as Ports;

describe("the transport", () => {
  test("may become the application service's, and is left only where users can be given passwords", async () => {
    const vault = new FakeVault();
    await enterTransport(polling, vault);
    await enterTransport(pushing, vault);
    await enterTransport(pushing, vault);
    await expect(enterTransport(polling, vault)).rejects.toThrow(NoWayBack);
    await enterTransport(administered, vault);
    await enterTransport(pushing, vault);
  });

  test("left, has those ask again who were told what is said, until all of them do", async () => {
    const vault = new FakeVault();
    await enterTransport(pushing, vault);
    const told: string[] = [];
    let full = true;
    const host: Pick<Host, "list" | "accept"> = {
      async *list() {
        for (const [agentId, intake] of Object.entries({ one: "pushed", two: "polling", three: "pushed" }))
          yield agentRecord(agentId, { intake });
      },
      async accept(to, { type }) {
        const agentId = agentOf(to);
        if (full && agentId === "three") throw new Error("full");
        told.push(`${agentId} ${type}`);
      },
    };
    await leavePushes(pushing, vault, host, "test");
    expect(told).toEqual([]);
    await expect(leavePushes(administered, vault, host, "test")).rejects.toThrow("full");
    full = false;
    await leavePushes(administered, vault, host, "test");
    await leavePushes(administered, vault, host, "test");
    expect(told).toEqual(["one LOOK_BACK", "one LOOK_BACK", "three LOOK_BACK"]);
    await enterTransport(polling, vault);
  });
});
