import { join } from "node:path";
import { expect, it } from "vitest";
import { z } from "zod";
import type { TransportKind } from "../../servers/transports.ts";
import { AppProcess } from "../app-process.ts";
import type { World } from "../world.ts";

const diagnosis = z.object({
  findings: z.array(z.object({ check: z.string(), severity: z.string(), message: z.string() })),
});

/** What `letta-matrix doctor` says of real servers. */
export function doctor(world: () => World, transport: TransportKind): void {
  async function diagnose(app: AppProcess) {
    const { code, out } = await app.command("doctor", "--json");
    const { findings } = diagnosis.parse(JSON.parse(out));
    const checks = (severity: string) => findings.filter((one) => one.severity === severity).map(({ check }) => check);
    return { code, out, ok: checks("ok"), errors: checks("error"), findings };
  }

  it("the doctor finds no error with what it shares with the running program", async () => {
    const { code, ok, errors, out } = await diagnose(world().app);
    expect({ code, errors }, out).toEqual({ code: 0, errors: [] });
    expect(ok).toEqual(
      expect.arrayContaining([
        "store",
        "homeserver",
        "homeserver.version",
        "homeserver.login",
        "homeserver.server_name",
        "homeserver.registration",
        "clock",
        "letta",
        "letta.models",
        ...(transport === "appservice" ? ["homeserver.appservice"] : []),
      ]),
    );
  });

  it("the doctor finds a wrong server name, a refused secret and a Letta that is not there, before the first start", async () => {
    const { dir, stack } = world();
    const { baseUrl, registrationSharedSecret } = stack.synapse;
    const app = await AppProcess.prepare(join(dir, "patient"), {
      homeserver: { url: baseUrl, server_name: "example.org", registration: { shared_secret: "s3cret-of-another" } },
      letta: { url: "ws://127.0.0.1:9" },
    });
    const { code, errors, out } = await diagnose(app);
    expect({ code, errors }, out).toEqual({
      code: 1,
      errors: ["homeserver.server_name", "homeserver.registration", "letta"],
    });
    expect(out).not.toContain("s3cret-of-another");
    expect(out).not.toContain(registrationSharedSecret);
  });
}
