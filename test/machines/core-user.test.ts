import { expect, test } from "vitest";
import type { FollowInput } from "../../src/machines/core-user.ts";
import { failure } from "./chart-driver.ts";
import { drive } from "./charts-under-test.ts";

function following() {
  const user = drive.coreUser();
  user.done("ensureUser", "ours");
  user.done("follow", { since: "s1" });
  return user;
}

test("a core user gives a cursor up that is refused three times in a row, and looks at all that it is invited to", () => {
  const user = following();
  for (let n = 1; n <= 2; n++) {
    user.fail("follow", failure("cursor"));
    user.fireNext();
    user.done("ensureUser", "ours");
    expect(user.inputOf<FollowInput>("follow").since).toBe("s1");
  }
  user.fail("follow", failure("cursor"));
  expect(user.inputOf<FollowInput>("follow")).toEqual({ userId: "@letta:test", recovering: true });
  user.done("follow", { since: "s9" });
  expect(user.inputOf<FollowInput>("follow").since).toBe("s9");
  expect(user.context.wait).toBeUndefined();
});

test("a core user keeps a cursor that is not refused three times in a row", () => {
  const user = following();
  for (const kind of ["cursor", "cursor", "unreachable", "cursor", "cursor"]) {
    user.fail("follow", failure(kind));
    user.fireNext();
    user.done("ensureUser", "ours");
    expect(user.inputOf<FollowInput>("follow").since).toBe("s1");
  }
});
