import { describe, expect, test } from "vitest";
import { examine } from "../../../src/commands/doctor/doctor.ts";
import { MatrixError } from "../../../src/matrix/port.ts";
import { config, healthy, wellStatus } from "./healthy.ts";

const { signal } = new AbortController();
const { registration: _, ...withoutRegistration } = config.homeserver;
const appservice = { id: "letta-matrix", asToken: "as", hsToken: "hs", listen: "127.0.0.1:29331", rateLimited: false };

async function found(
  roundTrip: (isRunning: boolean) => Promise<void>,
  isRunning = false,
  known: typeof appservice = appservice,
) {
  const findings = await examine(
    {
      ...healthy,
      config: { ...config, homeserver: { ...withoutRegistration, appservice: known } },
      homeserver: { ...healthy.homeserver, loginFlows: async () => [] },
      pushes: { roundTrip },
      status: async () => (isRunning ? wellStatus : undefined),
    },
    signal,
  );
  return findings.filter(({ check }) => check.startsWith("homeserver."));
}

describe("of an application service the doctor", () => {
  test("looks at the round trip, and not for ways to log in or register", async () => {
    const asked: boolean[] = [];
    const roundTrip = async (isRunning: boolean) => void asked.push(isRunning);
    const findings = await found(roundTrip);
    expect(findings.map(({ check, severity }) => `${check} ${severity}`)).toEqual([
      "homeserver.version ok",
      "homeserver.server_name ok",
      "homeserver.appservice ok",
      "homeserver.rate_limits ok",
    ]);
    await found(roundTrip, true);
    expect(asked).toEqual([false, true]);
  });

  test("says what to do where the homeserver does not reach us, and what it cannot tell", async () => {
    const failing = (kind: "refused" | "unsupported") => () =>
      Promise.reject(new MatrixError(kind, "no way", { remedy: "make one" }));
    const of = async (kind: "refused" | "unsupported") =>
      (await found(failing(kind))).find(({ check }) => check === "homeserver.appservice");
    expect(await of("refused")).toMatchObject({ severity: "error", remedy: "make one" });
    expect(await of("unsupported")).toMatchObject({ severity: "unknown" });
  });

  test("warns where the registration leaves agents limited", async () => {
    const findings = await found(async () => undefined, false, { ...appservice, rateLimited: true });
    expect(findings.find(({ check }) => check === "homeserver.rate_limits")).toMatchObject({
      severity: "warning",
      remedy: expect.stringContaining("rate_limited: false"),
    });
  });

  test("says of a round trip that does not end that it does not, and what to look at", async () => {
    const late = new DOMException("The operation was aborted due to timeout", "TimeoutError");
    const findings = await found(() => Promise.reject(late));
    expect(findings.find(({ check }) => check === "homeserver.appservice")).toMatchObject({
      severity: "error",
      message: "there was no answer in time",
      remedy: expect.stringContaining("run the doctor again"),
    });
  });
});
