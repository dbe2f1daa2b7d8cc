import { expect, test } from "vitest";
import { api, apiConfig } from "../../src/config/api-keys.ts";

const listening = (listen?: string) => apiConfig(api.parse({ ...(listen !== undefined && { listen }) })).listen;

test.each([
  ["127.0.0.1:8290", "127.0.0.1", 8290],
  ["[::1]:8290", "::1", 8290],
  ["agents.example.org:80", "agents.example.org", 80],
])("the program listens at %s", (listen, host, port) => {
  expect(listening(listen)).toEqual({ host, port });
});

test("it listens nowhere unless it is told where", () => {
  expect([listening(), listening("none")]).toEqual([undefined, undefined]);
});
