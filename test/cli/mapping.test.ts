import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { readMapping } from "../../src/cli/adopt/mapping.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "mapping-"));
});
afterEach(() => rm(folder, { recursive: true }));

async function read(content: unknown) {
  const file = join(folder, "agent_user_mappings.json");
  await writeFile(file, typeof content === "string" ? content : JSON.stringify(content));
  return readMapping(file);
}

const scout = {
  agent_id: "agent-1",
  agent_name: "Scout",
  matrix_user_id: "@agent_1:example.org",
  matrix_password: "s3cret",
  room_id: "!room:example.org",
  room_created: true,
  created_at: "2025-01-01",
};
const {
  agent_id: agentId,
  agent_name: name,
  matrix_user_id: userId,
  matrix_password: password,
  room_id: roomId,
} = scout;

describe("the mapping of another system", () => {
  test("is an object by agent id, or a list", async () => {
    const expected = [{ agentId, name, userId, password, roomId }];
    expect(await read({ "agent-1": scout })).toEqual(expected);
    expect(await read([scout])).toEqual(expected);
  });

  test("has agents without a name or a room", async () => {
    for (const none of [{ room_id: null }, { room_id: "" }, { room_created: false }, { room_created: 0 }])
      expect(await read([{ ...scout, agent_name: null, ...none }])).toEqual([
        { agentId, name: agentId, userId, password },
      ]);
  });

  test.each([
    ["is not JSON", "s3cret {", /is not JSON/],
    ["is something else", '"s3cret"', /no object and no list/],
    ["lacks a user", [scout, { ...scout, matrix_user_id: undefined }], /entry 2: matrix_user_id/],
    ["has an empty password", [{ ...scout, matrix_password: "" }], /entry 1: matrix_password/],
    ["names an agent, a user and a room twice", [scout, scout], /agent agent-1 .*user @agent_1.*room !room/],
  ])("that %s is refused as a whole, without quoting it", async (_, content, problem) => {
    const error = await read(content).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).toMatchObject({ message: expect.stringMatching(problem), remedy: expect.any(String) });
    expect(JSON.stringify([String(error), error])).not.toContain("s3cret");
  });

  test("that is not there is told of", async () => {
    await expect(readMapping(join(folder, "none.json"))).rejects.toThrow(/cannot be read \(ENOENT\)/);
  });
});
