import { expect, test } from "vitest";
import { restServer } from "../../contract/letta/rest-server.ts";
import { all, never } from "../../contract/letta/server.ts";
import { startModel } from "../../servers/model.ts";
import { startV1StandIn } from "../../servers/v1/stand-in.ts";

test("more agents than a page holds are listed to the last one, each once", async () => {
  const server = await restServer({ startModel, start: (model) => startV1StandIn({ model }) });
  const ids: string[] = [];
  for (let n = 0; n < 230; n += 1) ids.push(await server.newAgent());
  const { backend, close } = await server.client();
  expect((await all(backend.listAgents(never))).map(({ id }) => id)).toEqual(ids);
  await close();
  await server.stop();
});
