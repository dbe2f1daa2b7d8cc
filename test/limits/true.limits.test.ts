import { expect, it } from "vitest";
import { startHousehold } from "../e2e/household.ts";
import { expectNothingTwice, people, provisionTwelve } from "./provision.ts";

it(
  "twelve agents and three people get together under Synapse's true rate limits, if slowly",
  async () => {
    const house = await startHousehold({ rateLimits: "default", people });
    try {
      const { waits, seconds } = await provisionTwelve(house, 75 * 60);
      process.stderr.write(`done after ${seconds} s\n`);
      expect(waits.filter((reason) => /^inviting @\w+:.* \[429\] M_LIMIT_EXCEEDED/.test(reason))).not.toEqual([]);
      await expectNothingTwice(house);
    } finally {
      await house.close();
    }
  },
  80 * 60_000,
);
