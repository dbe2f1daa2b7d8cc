import { parseArgs } from "node:util";
import { startModel } from "./model.ts";

/** The stand-in model as a process of its own: `node test/servers/model-process.ts --port 8080`. */
const { values } = parseArgs({ options: { port: { type: "string" }, name: { type: "string" } } });
const model = await startModel({
  ...(values.port === undefined ? {} : { port: Number(values.port) }),
  ...(values.name === undefined ? {} : { name: values.name }),
});
process.stdout.write(`${model.url}\n`);
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => void model.stop());
