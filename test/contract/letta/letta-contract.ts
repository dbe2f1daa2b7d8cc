import { afterAll, beforeAll, describe } from "vitest";
import { crashesContract } from "./crashes.ts";
import { directoryContract } from "./directory.ts";
import { pastContract } from "./past.ts";
import type { ServerUnderContract } from "./server.ts";
import { toolsContract } from "./tools.ts";
import { troubleContract } from "./trouble.ts";
import { turnsContract } from "./turns.ts";

/** Holds a Letta server and its adapter to what `src/letta/port.ts` promises. */
export function lettaContract(name: string, start: () => Promise<ServerUnderContract>): void {
  describe(name, { timeout: 60_000 }, () => {
    let running: ServerUnderContract | undefined;
    beforeAll(async () => {
      running = await start();
    }, 300_000);
    afterAll(() => running?.stop(), 60_000);
    const server = () => {
      if (running === undefined) throw new Error("the server was not started");
      return running;
    };
    describe("agents and conversations", () => directoryContract(server));
    describe("an agent's past", () => pastContract(server));
    describe("turns", () => turnsContract(server));
    describe("tools", () => toolsContract(server));
    describe("trouble", () => troubleContract(server));
    describe("crashes", () => crashesContract(server));
  });
}
