import { join } from "node:path";
import type { ExaminedData, ExaminedLetta, Patient } from "./commands/doctor/patient.ts";
import { inspectInstanceSecret } from "./config/instance-secret.ts";
import type { Config } from "./config/schema.ts";
import { agentOf } from "./machines/addresses.ts";
import { RoundTrip } from "./matrix/appservice/round-trip.ts";
import { HomeserverInspection } from "./matrix/inspection.ts";
import { systemClock } from "./runtime/clock.ts";
import { assertSocketFree, controlSocketIn } from "./runtime/control/socket-path.ts";
import { assertDataFolderUsable } from "./runtime/data-folder.ts";
import { inspectStore } from "./runtime/embedded/inspect.ts";

/** What the doctor looks at; whether something runs is for the caller to know. */
export interface OpenPatient extends Omit<Patient, "status"> {
  close(): Promise<void>;
}

export function patientOf(config: Config, letta: ExaminedLetta & { close(): Promise<void> }): OpenPatient {
  const { url: baseUrl, serverName, registration, appservice, adminToken } = config.homeserver;
  const homeserver = new HomeserverInspection({
    baseUrl,
    serverName,
    ...(registration !== undefined && { registration }),
    ...(adminToken !== undefined && { adminToken }),
  });
  const pushes = appservice && new RoundTrip({ baseUrl, serverName, ...appservice });
  return {
    config,
    homeserver,
    ...(pushes !== undefined && { pushes }),
    letta,
    data: dataIn(config.dataFolder),
    now: systemClock.now,
    async close() {
      homeserver.close();
      pushes?.close();
      await letta.close();
    },
  };
}

function dataIn(folder: string): ExaminedData {
  return {
    folder: () => assertDataFolderUsable(folder),
    secret: () => inspectInstanceSecret(folder),
    socket: () => assertSocketFree(controlSocketIn(folder)),
    async store() {
      const inspection = await inspectStore(join(folder, "store"));
      if (inspection === undefined) return undefined;
      const { records, unreadable } = inspection;
      const housed = records.filter(({ machine, context }) => machine === "agent" && context["roomId"] !== null);
      return { housed: housed.map(({ id }) => agentOf(id)), unreadable };
    },
  };
}
