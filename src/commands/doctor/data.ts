import { error, examined, type Finding, failureOf, ok, unknown } from "./finding.ts";
import type { Patient, StoreContents } from "./patient.ts";

export interface DataExamination {
  readonly findings: readonly Finding[];
  readonly contents?: StoreContents;
}

/** The data folder and what is in it; the store only when nothing runs, for whoever runs has it to itself. */
export async function examineData({ config, data }: Patient, running: boolean): Promise<DataExamination> {
  const folder = await examined("data_folder", async () => {
    await data.folder();
    return [ok("data_folder", `${config.dataFolder} can be used`)];
  });
  if (folder.some(({ severity }) => severity === "error")) return { findings: folder };
  if (running) {
    const findings = [...folder, ok("store", "it is open in the running process"), ...(await secretFindings(data))];
    return { findings };
  }
  const store = await storeFindings(data);
  const socket = await examined("control_socket", async () => {
    await data.socket();
    return [ok("control_socket", "it can be opened")];
  });
  const secret = await secretFindings(data, store.contents !== undefined);
  return { ...store, findings: [...folder, ...store.findings, ...secret, ...socket] };
}

async function storeFindings(data: Patient["data"]): Promise<DataExamination> {
  try {
    const contents = await data.store();
    if (contents === undefined) return { findings: [ok("store", "there is none yet: the first start makes it")] };
    const { unreadable } = contents;
    if (unreadable.length === 0) return { contents, findings: [ok("store", "it can be opened and read")] };
    const some = unreadable.slice(0, 3).join(", ");
    const message = `${unreadable.length} of its records cannot be read: ${some}`;
    return { contents, findings: [error("store", message, "Restore the data folder from a backup.")] };
  } catch (thrown) {
    const { message, remedy } = failureOf(thrown);
    return { findings: [error("store", message, remedy)] };
  }
}

async function secretFindings(data: Patient["data"], isUsed = true): Promise<readonly Finding[]> {
  return examined("instance_secret", async () => {
    const secret = await data.secret();
    if (secret === "right") return [ok("instance_secret", "it is there")];
    if (!isUsed) return [unknown("instance_secret", "there is none yet: the first start makes it")];
    return [
      error(
        "instance_secret",
        "it is gone, and with it the passwords of the agents' users",
        "Restore the file instance-secret in the data folder from a backup before the next start.",
      ),
    ];
  });
}
