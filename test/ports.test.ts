import { describe, expect, test } from "vitest";
import { connectPorts } from "../src/ports.ts";
import { createLogger } from "../src/telemetry/logger.ts";
import { config } from "./commands/doctor/healthy.ts";

describe("as an application service", () => {
  const toldOf = async (exclusive: boolean) => {
    const lines: string[] = [];
    const destination = { write: (line: string) => void lines.push(line) };
    const logger = createLogger({ level: "warn", secrets: [], destination });
    const tokens = { id: "letta-matrix", asToken: "as", hsToken: "hs" };
    const appservice = { ...tokens, listen: "127.0.0.1:29331", rateLimited: false, exclusive };
    await connectPorts({ ...config, homeserver: { ...config.homeserver, appservice } }, logger).close();
    return lines;
  };

  test("the start tells of a registration that lets others take the agents' user ids", async () => {
    expect(await toldOf(false)).toEqual([expect.stringContaining("does not keep the agents' user ids for us")]);
    expect(await toldOf(true)).toEqual([]);
  });
});
