import { afterEach, describe, expect, it } from "vitest";
import { type Household, startHousehold } from "../e2e/household.ts";
import { expectNothingTwice, invitationCounts, people, provisionTwelve } from "./provision.ts";

describe("twelve agents and three people on a Synapse with its default rate limits", () => {
  let house: Household | undefined;
  afterEach(async () => {
    await house?.close();
    house = undefined;
  }, 60_000);

  it("are together at once where an administrator's token lifts the limits of our users", async () => {
    house = await startHousehold({ rateLimits: "default", people, administered: true });
    const { waits } = await provisionTwelve(house, 150);
    expect(waits.filter((reason) => /429/.test(reason))).toEqual([]);
    await expectNothingTwice(house);
  }, 240_000);

  it("get together without it, one invitation after the other, and status says what is waited for", async () => {
    // The default is a thirtieth of it: the same, in a minute and a half instead of forty-five.
    const synapse = { rc_invites: { per_user: { per_second: 0.1, burst_count: 5 } } };
    house = await startHousehold({ rateLimits: "default", people, synapse });
    const { waits, seconds } = await provisionTwelve(house, 400);
    expect(
      waits.filter((reason) => /^inviting @(anna|bert|cleo)\b.* \[429\] M_LIMIT_EXCEEDED/.test(reason)),
    ).not.toEqual([]);
    expect(seconds).toBeGreaterThan(60);
    const { sent, refused } = await invitationCounts(house);
    process.stderr.write(`${sent} invitations sent, ${refused} refused\n`);
    // Who learns that a person cannot be invited now learns it for all agents: 90 when each found that out for itself.
    expect(refused).toBeLessThan(1.5 * sent);
    await expectNothingTwice(house);
  }, 480_000);
});
