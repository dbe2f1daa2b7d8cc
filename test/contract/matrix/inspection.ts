import { expect, it } from "vitest";
import { HomeserverInspection, type InspectionOptions } from "../../../src/matrix/inspection.ts";
import type { HomeserverOddities } from "../../servers/homeserver/oddities.ts";
import { failure, never, type ServerUnderContract } from "./server.ts";

/** What can be found out about a homeserver without leaving anything there. */
export function inspectionContract(
  server: () => ServerUnderContract,
  right: () => Promise<Pick<InspectionOptions, "registration" | "adminToken">>,
  { hasSynapseAdmin }: Pick<HomeserverOddities, "hasSynapseAdmin">,
): void {
  async function inspection(wrong: Partial<InspectionOptions> = {}): Promise<HomeserverInspection> {
    const { baseUrl, homeserver } = server();
    return new HomeserverInspection({ baseUrl, serverName: homeserver.serverName, ...(await right()), ...wrong });
  }

  it("tells its versions, its time, and how users log in", async () => {
    const inspected = await inspection();
    const { versions, clock } = await inspected.standing(never);
    expect(versions).toContain("v1.1");
    expect(Math.abs((clock ?? 0) - Date.now())).toBeLessThan(5_000);
    expect(await inspected.loginFlows(never)).toContain("m.login.password");
    expect(await inspected.isSynapse(never)).toBe(hasSynapseAdmin);
  });

  it("goes by its own name, and not by another", async () => {
    expect(await (await inspection()).nameVerdict(never)).toEqual({ is: "right" });
    expect(await (await inspection({ serverName: "example.org" })).nameVerdict(never)).toMatchObject({ is: "wrong" });
  });

  it("takes the secret or the token that it has given, and no other, and registers nobody", async () => {
    await (await inspection()).tryRegistration(never);
    const { registration } = await right();
    const wrong =
      registration?.kind === "token"
        ? ({ kind: "token", token: "s3cret-other" } as const)
        : ({ kind: "shared-secret", secret: "s3cret-other" } as const);
    const error = await failure((await inspection({ registration: wrong })).tryRegistration(never));
    expect(error).toMatchObject({ kind: "forbidden" });
    expect(`${error.message} ${error.remedy}`).not.toContain("s3cret");
  });
}
