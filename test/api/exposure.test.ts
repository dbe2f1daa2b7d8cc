import { expect, test } from "vitest";
import { isLoopback } from "../../src/api/exposure.ts";

test.each(["127.0.0.1", "127.8.9.10", "::1", "[::1]", "localhost", "LOCALHOST", "::ffff:127.0.0.1"])(
  "%s is this machine's own",
  (address) => expect(isLoopback(address)).toBe(true),
);

test.each(["0.0.0.0", "::", "10.0.0.7", "128.0.0.1", "1127.0.0.1", "127.0.0.1.example", "localhost.example", ""])(
  "%s may be reached from other machines",
  (address) => expect(isLoopback(address)).toBe(false),
);
