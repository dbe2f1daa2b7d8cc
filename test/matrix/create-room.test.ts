import { describe, expect, it } from "vitest";
import { initialState, powerLevelsOf } from "../../src/matrix/create-room.ts";

const agent = "@agent:test";
const admin = "@admin:test";

describe("power levels of a new room", () => {
  const levels = { events_default: 50, users: { [admin]: 100 } };

  it.each(["1", "10", "11", undefined, "org.example.custom"])("name the creator in version %s", (version) => {
    expect(powerLevelsOf(levels, agent, version)).toEqual({ ...levels, users: { [admin]: 100, [agent]: 100 } });
    const own = { users: { [agent]: 90 } };
    expect(powerLevelsOf(own, agent, version)).toEqual(own);
  });

  it.each(["12", "13", "org.matrix.hydra.11"])(
    "do not name it in version %s, where it stands above them",
    (version) => {
      expect(powerLevelsOf(levels, agent, version)).toEqual(levels);
      expect(powerLevelsOf({ users: { [agent]: 100, [admin]: 50 } }, agent, version)).toEqual({
        users: { [admin]: 50 },
      });
    },
  );

  it("stay as they are when they name no users", () => {
    expect(powerLevelsOf({ invite: 50 }, agent, "11")).toEqual({ invite: 50 });
  });
});

describe("initial state of a new room", () => {
  it("makes it private, unless the caller says otherwise", () => {
    const joinRules = { type: "m.room.join_rules", stateKey: "", content: { join_rule: "restricted", allow: [] } };
    const state = initialState({ aliasLocalpart: "a", name: "A", initialState: [joinRules] });
    expect(state.map(({ type, state_key, content }) => [type, state_key, content])).toEqual([
      ["m.room.history_visibility", "", { history_visibility: "shared" }],
      ["m.room.guest_access", "", { guest_access: "forbidden" }],
      ["m.room.join_rules", "", { join_rule: "restricted", allow: [] }],
    ]);
  });
});
