import { describe, expect, test } from "vitest";
import { examine } from "../../../src/commands/doctor/doctor.ts";
import type { TransportStatus } from "../../../src/commands/status/schema.ts";
import { MatrixError } from "../../../src/matrix/port.ts";
import { config, healthy, wellStatus } from "./healthy.ts";

const { signal } = new AbortController();
const { registration: _, ...withoutRegistration } = config.homeserver;
const appservice = {
  id: "letta-matrix",
  asToken: "as",
  hsToken: "hs",
  listen: "127.0.0.1:29331",
  rateLimited: false,
  exclusive: true,
};

interface Case {
  readonly roundTrip?: () => Promise<void>;
  /** What the running process says, where one runs. */
  readonly transport?: TransportStatus | "untold";
  readonly known?: typeof appservice;
}

async function found({ roundTrip = async () => undefined, transport, known = appservice }: Case) {
  const running = transport === "untold" ? wellStatus : transport && { ...wellStatus, transport };
  const findings = await examine(
    {
      ...healthy,
      config: { ...config, homeserver: { ...withoutRegistration, appservice: known } },
      homeserver: { ...healthy.homeserver, loginFlows: async () => [] },
      pushes: { roundTrip },
      status: async () => running,
    },
    signal,
  );
  return findings.filter(({ check }) => check.startsWith("homeserver."));
}

describe("of an application service the doctor", () => {
  test("looks at the round trip, and not for ways to log in or register", async () => {
    let asked = 0;
    const findings = await found({ roundTrip: async () => void asked++ });
    expect(findings.map(({ check, severity }) => `${check} ${severity}`)).toEqual([
      "homeserver.version ok",
      "homeserver.server_name ok",
      "homeserver.appservice ok",
      "homeserver.rate_limits ok",
    ]);
    expect(asked).toBe(1);
  });

  test("believes the process that runs of whether the homeserver reaches it, and asks nobody itself", async () => {
    const roundTrip = () => Promise.reject(new Error("asked itself"));
    const of = async (transport: TransportStatus | "untold") =>
      (await found({ roundTrip, transport })).find(({ check }) => check === "homeserver.appservice");
    const kind = "appservice";
    expect(await of({ kind, reach: "reached", since: 1 })).toMatchObject({ severity: "ok" });
    expect(await of({ kind, reach: "unasked", since: 1 })).toMatchObject({ severity: "unknown" });
    expect(await of({ kind, reach: "unknown" })).toMatchObject({ severity: "unknown" });
    expect(await of("untold")).toMatchObject({ severity: "unknown" });
    const unreached = {
      kind,
      reach: "unreached",
      since: 1,
      reason: "somebody else is there",
      remedy: "stop it",
    } as const;
    expect(await of(unreached)).toMatchObject({
      severity: "error",
      message: "somebody else is there",
      remedy: "stop it",
    });
  });

  test("says of a process that still polls just that, and to restart it", async () => {
    const roundTrip = () => Promise.reject(new Error("asked itself"));
    const findings = await found({ roundTrip, transport: { kind: "client-server" } });
    expect(findings.find(({ check }) => check === "homeserver.appservice")).toMatchObject({
      severity: "warning",
      message: expect.stringContaining("polls"),
      remedy: "Restart letta-matrix.",
    });
  });

  test("cannot tell before the first start where the homeserver lets nobody ask until then", async () => {
    const remedy = "Wait: it is made again by itself.";
    const roundTrip = () => Promise.reject(new MatrixError("token", "has not registered this user", { remedy }));
    expect((await found({ roundTrip })).find(({ check }) => check === "homeserver.appservice")).toMatchObject({
      severity: "unknown",
      message: expect.stringContaining("until its first start"),
    });
  });

  test("says what to do where the homeserver does not reach us, and what it cannot tell", async () => {
    const failing = (kind: "refused" | "unsupported") => () =>
      Promise.reject(new MatrixError(kind, "no way", { remedy: "make one" }));
    const of = async (kind: "refused" | "unsupported") =>
      (await found({ roundTrip: failing(kind) })).find(({ check }) => check === "homeserver.appservice");
    expect(await of("refused")).toMatchObject({ severity: "error", remedy: "make one" });
    expect(await of("unsupported")).toMatchObject({ severity: "unknown" });
  });

  test("warns where the registration leaves agents limited", async () => {
    const findings = await found({ known: { ...appservice, rateLimited: true } });
    expect(findings.find(({ check }) => check === "homeserver.rate_limits")).toMatchObject({
      severity: "warning",
      remedy: expect.stringContaining("rate_limited: false"),
    });
  });

  test("warns where the registration lets others take the agents' user ids, whether something runs or not", async () => {
    const known = { ...appservice, exclusive: false };
    for (const transport of [undefined, { kind: "appservice", reach: "reached", since: 1 }] as const) {
      const findings = await found({ known, ...(transport && { transport }) });
      expect(findings.filter(({ check }) => check === "homeserver.appservice")).toMatchObject([
        { severity: "ok" },
        { severity: "warning", remedy: expect.stringContaining("exclusive: true") },
      ]);
    }
  });

  test("says of a round trip that does not end that it does not, and what to look at", async () => {
    const late = new DOMException("The operation was aborted due to timeout", "TimeoutError");
    const findings = await found({ roundTrip: () => Promise.reject(late) });
    expect(findings.find(({ check }) => check === "homeserver.appservice")).toMatchObject({
      severity: "error",
      message: "there was no answer in time",
      remedy: expect.stringContaining("run the doctor again"),
    });
  });
});
