import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { LettaAbilities } from "../../../src/letta/port.ts";
import { crashesContract } from "./crashes.ts";
import { directoryContract } from "./directory.ts";
import { externalToolsContract } from "./external-tools.ts";
import { pastContract } from "./past.ts";
import { all, never, type ServerUnderContract } from "./server.ts";
import { survivalContract } from "./survival.ts";
import { toolsContract } from "./tools.ts";
import { troubleContract } from "./trouble.ts";
import { turnsContract } from "./turns.ts";
import { ungatedToolsContract } from "./ungated-tools.ts";

/** Holds a Letta server and its adapter to what `src/letta/port.ts` promises. */
export function lettaContract<Server extends ServerUnderContract>(
  name: string,
  abilities: LettaAbilities,
  start: () => Promise<Server>,
  /** What is true of this server only. */
  own?: (server: () => Server) => void,
): void {
  describe(name, { timeout: 120_000 }, () => {
    let running: Server | undefined;
    beforeAll(async () => {
      running = await start();
    }, 900_000);
    afterAll(() => running?.stop(), 60_000);
    const server = () => {
      if (running === undefined) throw new Error("the server was not started");
      return running;
    };
    it("declares what it can do", async () => {
      const client = await server().client();
      await all(client.backend.listAgents(never));
      expect(client.backend.abilities).toEqual(abilities);
      await client.close();
    });
    describe("agents and conversations", () => directoryContract(server));
    describe("an agent's past", () => pastContract(server));
    describe("turns", () => turnsContract(server, abilities));
    describe("tools", () => (abilities.gatesEveryTool ? toolsContract : ungatedToolsContract)(server));
    if (abilities.takesTools) describe("tools of ours", () => externalToolsContract(server));
    describe("trouble", () => troubleContract(server, abilities));
    describe("crashes", () => (abilities.turnsOutliveWatchers ? survivalContract : crashesContract)(server));
    if (own !== undefined) describe("what is odd in it", () => own(server));
  });
}
