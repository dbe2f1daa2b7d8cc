import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type DoctorEnvironment, doctor } from "../../src/cli/doctor.ts";
import { exitCode } from "../../src/cli/exit-code.ts";
import { ControlServer } from "../../src/runtime/control/server.ts";
import { controlSocketIn } from "../../src/runtime/control/socket-path.ts";
import { type Ailment, healthy, wellStatus } from "../commands/doctor/healthy.ts";

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "doctor-"));
  path = join(folder, "letta-matrix.yaml");
  await writeFile(
    path,
    `
homeserver: { url: "http://localhost:8008", server_name: example.org, registration: { shared_secret: s3cret } }
letta: { url: "ws://127.0.0.1:4500", token: t0ken }
`,
  );
});
afterEach(() => rm(folder, { recursive: true }));

async function examine(ailment: Ailment = {}, json = false, env = {}) {
  let out = "";
  const close = vi.fn(async () => undefined);
  const { status: _, ...well } = healthy;
  const environment: DoctorEnvironment = {
    console: {
      out: (text) => {
        out += text;
      },
      err: () => undefined,
    },
    env,
    openPatient: async (config) => ({
      ...well,
      config,
      homeserver: { ...well.homeserver, ...ailment.homeserver },
      letta: { ...well.letta, ...ailment.letta },
      data: { ...well.data, ...ailment.data },
      close,
    }),
  };
  const code = await doctor({ config: path, json }, environment);
  return { code, out, close };
}

const broken = (message: string) => () => Promise.reject(Object.assign(new Error(message), { remedy: "Do this." }));

describe("letta-matrix doctor", () => {
  test("says that nothing is wrong, and that nothing runs", async () => {
    const { code, out, close } = await examine();
    expect(code).toBe(exitCode.ok);
    expect(out).toContain("ok       homeserver: http://localhost:8008 answers\n");
    expect(out).toContain("?        running: it does not run\n");
    expect(out).toMatch(/\nNothing is wrong that can be seen from here\.\n$/);
    expect(close).toHaveBeenCalledOnce();
  });

  test("ends with a status of its own when something does not work, and says what to do", async () => {
    const { code, out, close } = await examine({ homeserver: { tryRegistration: broken("no registration") } });
    expect(code).toBe(exitCode.failed);
    expect(out).toContain("ERROR    homeserver.registration: no registration\n         -> Do this.\n");
    expect(out).toMatch(/\n1 error\n$/);
    expect(close).toHaveBeenCalledOnce();
  });

  test("ends as if all were well when it only warns", async () => {
    const listAgents = async function* () {};
    const { code, out } = await examine({ letta: { listAgents } });
    expect(code).toBe(exitCode.ok);
    expect(out).toMatch(/WARNING {2}letta: it answers, but has no agents\n {9}-> Create.*\n(.*\n)*\n1 warning\n$/);
  });

  test("prints JSON for programs", async () => {
    const { code, out } = await examine({ data: { store: broken("the store is damaged") } }, true);
    expect(code).toBe(exitCode.failed);
    expect(JSON.parse(out)).toMatchObject({
      findings: expect.arrayContaining([
        { check: "store", severity: "error", message: "the store is damaged", remedy: "Do this." },
      ]),
      counts: { error: 1, warning: 0 },
    });
  });

  test("never prints a secret, even if a server should repeat it", async () => {
    for (const json of [true, false]) {
      const { out } = await examine({ homeserver: { standing: broken("you said s3cret and t0ken") } }, json);
      expect(out).toContain("you said [secret] and [secret]");
      expect(out).not.toMatch(/s3cret|t0ken/);
    }
  });

  test("lets nothing that a server says act on the terminal", async () => {
    const { out } = await examine({ homeserver: { standing: broken("\u001b[2J gone") } });
    expect(out).not.toContain("\u001b");
  });

  test("says what is wrong with the configuration, key by key, and looks no further", async () => {
    await writeFile(path, "homeserver: { url: nowhere }\nlog: { level: loud }");
    const { code, out, close } = await examine();
    expect(code).toBe(exitCode.config);
    expect(out).toContain(
      "homeserver.url must be an http:// or https:// address\n         -> For example: url: http://localhost:8008\n",
    );
    expect(out).toContain("log.level must be one of trace, debug");
    expect(close).not.toHaveBeenCalled();
    expect(JSON.parse((await examine({}, true)).out).findings[0]).toMatchObject({
      check: "configuration",
      severity: "error",
    });
  });

  test("tells which variables of the older system do nothing any more", async () => {
    const { code, out } = await examine({}, false, { LETTA_STREAMING_ENABLED: "true", LETTA_TOKEN: "t0ken-2" });
    expect(code).toBe(exitCode.ok);
    expect(out).toContain(
      "WARNING  environment: LETTA_STREAMING_ENABLED does nothing here: answers are always streamed\n",
    );
    expect(out).toMatch(/\n1 warning\n$/);
  });

  test("says that a file of a secret cannot be read", async () => {
    await writeFile(
      path,
      'homeserver: { url: "http://h", server_name: a, registration: { shared_secret_file: nowhere } }\nletta: { url: "ws://l" }',
    );
    const { code, out } = await examine();
    expect(code).toBe(exitCode.config);
    expect(out).toContain(`homeserver.registration.shared_secret_file names ${join(folder, "nowhere")}`);
  });

  describe("beside a running process", () => {
    let control: ControlServer | undefined;
    afterEach(() => control?.stop());

    async function running(status: () => Promise<unknown>) {
      await mkdir(join(folder, "data"), { mode: 0o700 });
      control = new ControlServer({ path: controlSocketIn(join(folder, "data")), handlers: { status } });
      await control.start();
    }

    test("leaves the store to it, and tells what it waits for", async () => {
      await running(async () => ({
        ...wellStatus,
        space: { health: "running", state: "waiting", wait: { reason: "the alias is taken", since: 1 } },
      }));
      const { code, out } = await examine({ data: { store: broken("the store is locked") } });
      expect(code).toBe(exitCode.ok);
      expect(out).toContain("ok       store: it is open in the running process\n");
      expect(out).toContain("WARNING  running: the space waits: the alias is taken\n");
    });

    test("tells that it does not say how it is", async () => {
      await running(() => Promise.reject(new Error("confused")));
      const { code, out } = await examine();
      expect(code).toBe(exitCode.failed);
      expect(out).toMatch(/ERROR {4}running: .*\n {9}-> See the log of the running process/);
    });
  });
});
