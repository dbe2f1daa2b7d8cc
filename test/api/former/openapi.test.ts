import { expect, test } from "vitest";
import { z } from "zod";
import { former } from "./harness.ts";

const document = z.looseObject({
  openapi: z.literal("3.1.0"),
  paths: z.record(z.string(), z.record(z.string(), z.looseObject({ responses: z.record(z.string(), z.unknown()) }))),
});

test("the document that is served is the one in docs: `npx vitest run test/api/former/openapi.test.ts -u` writes it", async () => {
  const { call } = former();
  const { body } = await call("GET", "/openapi/former.json", {});
  await expect(`${JSON.stringify(body, undefined, 2)}\n`).toMatchFileSnapshot("../../../docs/openapi-former.json");
});

test("it has each former route in both spellings, and says what each answers when it is refused", async () => {
  const { call } = former();
  const { paths } = document.parse((await call("GET", "/openapi/former.json", {})).body);
  expect(Object.keys(paths).toSorted()).toEqual([
    "/agents/mappings",
    "/agents/{id}/room",
    "/conversations/register",
    "/create_room",
    "/get_messages",
    "/health/agent-provisioning",
    "/list_rooms",
    "/login",
    "/login/auto",
    "/messages/get",
    "/messages/recent",
    "/messages/send",
    "/rooms/list",
    "/send_message",
    "/webhook/new-agent",
    "/webhooks/letta/agent-response",
  ]);
  for (const operations of Object.values(paths))
    for (const { responses } of Object.values(operations))
      expect(Object.keys(responses).toSorted()).toEqual(["200", "4XX", "5XX"]);
});
