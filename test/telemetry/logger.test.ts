import { describe, expect, test } from "vitest";
import { createLogger, type LoggerOptions } from "../../src/telemetry/logger.ts";

function logging(options: Partial<LoggerOptions> = {}) {
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(line) };
  return { lines, log: createLogger({ level: "info", secrets: [], destination, ...options }) };
}

describe("a log line", () => {
  test("is JSON with a level in words and a time in ISO 8601", () => {
    const { lines, log } = logging();
    log.child({ actor: "example.org/agent/a" }).info({ room: "!r" }, "room created");
    const line: unknown = JSON.parse(lines[0] ?? "");
    expect(line).toEqual({
      level: "info",
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
      actor: "example.org/agent/a",
      room: "!r",
      msg: "room created",
    });
  });

  test("below the level is not written", () => {
    const { lines, log } = logging({ level: "warn" });
    log.info({}, "quiet");
    log.warn({}, "loud");
    expect(lines).toHaveLength(1);
  });

  test("tells an error with its causes", () => {
    const { lines, log } = logging();
    log.error({ err: new Error("cannot send", { cause: new Error("socket closed") }) }, "send failed");
    expect(JSON.parse(lines[0] ?? "")).toMatchObject({
      err: { type: "Error", message: "cannot send", cause: { message: "socket closed" } },
    });
  });
});

test("a line that cannot be written, as on a full disk, harms nobody", () => {
  const lines: string[] = [];
  let full = true;
  const destination = {
    write(line: string) {
      if (full) throw new Error("no space left on device");
      lines.push(line);
    },
  };
  const { log } = logging({ destination });
  log.info({}, "while it is full");
  full = false;
  log.info({}, "when there is room");
  expect(lines).toHaveLength(1);
});

describe("a secret stays out of the log", () => {
  test("that the configuration names, wherever it turns up", () => {
    const { lines, log } = logging({ secrets: ['regis"tration'] });
    log.error({ err: new Error('refused: regis"tration'), url: 'http://x/?s=regis"tration' }, 'with regis"tration');
    expect(lines.join("")).not.toContain("tration");
    expect(JSON.parse(lines[0] ?? "")).toMatchObject({ msg: "with [secret]" });
  });

  test("under the keys that hold tokens and passwords", () => {
    const { lines, log } = logging();
    const credentials = { userId: "@a:x", accessToken: "syt_1" };
    log.info({ credentials, password: "pw_1", request: { headers: { authorization: "Bearer syt_2" } } }, "logged in");
    log.warn({ err: Object.assign(new Error("no"), { credentials: { accessToken: "syt_3" } }) }, "failed");
    expect(lines.join("")).not.toMatch(/syt_|pw_/);
    expect(lines[0]).toContain("@a:x");
  });
});
