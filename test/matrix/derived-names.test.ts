import { describe, expect, it } from "vitest";
import { deviceIdOf } from "../../src/matrix/device-id.ts";
import { passwordOf } from "../../src/matrix/password.ts";
import { type MessageName, transactionId } from "../../src/matrix/transaction-id.ts";

const name: MessageName = { agent: "agent-1", room: "!r", type: "m.room.message", cause: "$q", part: "final" };

describe("a transaction id", () => {
  it("stays the same for ever, because resending after an update depends on it", () => {
    expect(transactionId(name)).toBe("Iq2O_iNQUF9-PygtPyREFDaOgWsbGuOvi3-vNyvju4k");
    expect(transactionId({ part: "final", cause: "$q", type: "m.room.message", room: "!r", agent: "agent-1" })).toBe(
      transactionId(name),
    );
  });

  it.each<Partial<MessageName>>([
    { agent: "agent-2" },
    { room: "!other" },
    { type: "m.reaction" },
    { cause: "$other" },
    { part: "draft" },
    { agent: "agent-1!r", room: "" },
    { cause: "$qfinal", part: "" },
    { cause: '$q","final', part: "" },
  ])("differs when the name differs: %j", (other) => {
    expect(transactionId({ ...name, ...other })).not.toBe(transactionId(name));
  });

  it("fits into a URL as it is, whatever it is made from", () => {
    expect(transactionId({ ...name, cause: "ü/ \ud800\0🎭".repeat(1_000) })).toMatch(/^[\w-]{43}$/);
  });
});

describe("a device id", () => {
  it("stays the same for ever, because homeservers remember transaction ids per device", () => {
    expect(deviceIdOf("secret", "@agent:test")).toBe("LM88651EC1CCBD4FD057D7");
  });

  it("differs for another user and for another installation, and tells nothing about the password", () => {
    const ids = [deviceIdOf("secret", "@a:test"), deviceIdOf("secret", "@b:test"), deviceIdOf("other", "@a:test")];
    expect(new Set(ids).size).toBe(3);
    expect(passwordOf("secret", "@a:test")).not.toContain(deviceIdOf("secret", "@a:test").slice(2));
  });
});

describe("a password", () => {
  it("stays the same for ever, because a lost store logs in again with it", () => {
    expect(passwordOf("secret", "@agent:test")).toBe("FwkPOJY-lGNGIu0T1C4D7_iiED_uGOt96uETIX0qOBg");
  });

  it("differs for another user and for another installation", () => {
    const passwords = [passwordOf("secret", "@a:test"), passwordOf("secret", "@b:test"), passwordOf("o", "@a:test")];
    expect(new Set(passwords).size).toBe(3);
    for (const password of passwords) expect(password).toMatch(/^[\w-]{43}$/);
  });
});
