import { z } from "zod";
import { appserviceProfiles } from "./homeserver/appservice/oddities.ts";
import { appserviceRegistration } from "./homeserver/appservice/registration.ts";
import { homeserverProfiles } from "./homeserver/oddities.ts";
import { serve } from "./homeserver/server.ts";

/** The stand-in homeserver as a process of its own; `start.ts` beside it says what it is given. */
const options = z
  .object({
    dir: z.string(),
    port: z.number(),
    serverName: z.string(),
    registrationSharedSecret: z.string(),
    registrationToken: z.string(),
    profile: z.enum(["synapse", "tuwunel", "dendrite"]),
    oddities: z.custom<Partial<typeof homeserverProfiles.synapse>>().default({}),
    appservices: z.array(appserviceRegistration).default([]),
    appserviceOddities: z.custom<Partial<typeof appserviceProfiles.synapse>>().default({}),
  })
  .parse(JSON.parse(process.argv[2] ?? "{}"));

await serve({
  ...options,
  oddities: { ...homeserverProfiles[options.profile], ...options.oddities },
  appserviceOddities: { ...appserviceProfiles[options.profile], ...options.appserviceOddities },
});
