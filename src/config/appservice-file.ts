import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { parse } from "yaml";
import { z } from "zod";
import { botLocalpart } from "./bot-localpart.ts";
import { ConfigError } from "./config-error.ts";

/** What the homeserver and we have agreed on. Both tokens are secrets. */
export interface AppserviceRegistration {
  readonly id: string;
  readonly asToken: string;
  readonly hsToken: string;
  /** Whether the homeserver limits how much our users may do, as it does the others. */
  readonly rateLimited: boolean;
  /** Whether the homeserver keeps the agents' user ids from everybody else. */
  readonly exclusive: boolean;
}

const named = z.string("must be text").regex(/\S/, "must not be empty");
// Left out or no boolean, it keeps nobody out.
const namespaces = z.array(z.object({ regex: z.string(), exclusive: z.boolean().catch(false) })).nullish();

const registrationFile = z.object({
  id: named,
  url: z
    .string("must be the address at which the homeserver reaches letta-matrix: to none it pushes nothing")
    .regex(/^https?:\/\/[^/]/i, "must begin with http:// or https://, and name a host"),
  as_token: named,
  hs_token: named,
  // Left out, homeservers take it for true.
  rate_limited: z.boolean().catch(true),
  sender_localpart: z.literal(botLocalpart, `must be ${botLocalpart}`),
  namespaces: z.object({ users: namespaces }).nullish(),
});

/** Users of agents as V1 servers and Letta Cloud name them, and as App Servers do. */
const exampleAgents = ["agent_0", "agent_597b5756_2915_4560_ba6b_91005f085166", "agent_local_0"];

const key = "homeserver.appservice.registration_file";
const example = "Make one with `letta-matrix registration --for synapse`.";

/**
 * Reads the registration that `letta-matrix registration` has written, relative to the configuration. Throws
 * {@link ConfigError}, which quotes nothing of it.
 */
export async function readRegistration(path: string, file: string, serverName: string) {
  const full = resolve(dirname(path), file);
  const wrong = (message: string) => new ConfigError(path, [{ key, message: `names ${full}, ${message}` }], example);
  const text = await readFile(full, "utf8").catch((error: unknown) => {
    const code = String(Reflect.get(Object(error), "code"));
    throw wrong(code === "ENOENT" ? "which is not there" : `which cannot be read (${code})`);
  });
  const parsed = registrationFile.safeParse(parsedYaml(text));
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw wrong(`which is no registration: ${issue?.path.join(".") || "it"} ${issue?.message}`);
  }
  const { id, as_token: asToken, hs_token: hsToken, rate_limited: rateLimited, namespaces: spaces } = parsed.data;
  const users = spaces?.users ?? [];
  const ours = exampleAgents.map((localpart) => `@${localpart}:${serverName}`);
  const outside = ours.find((userId) => !users.some(({ regex }) => covers(regex, userId)));
  if (outside !== undefined) throw wrong(`whose namespaces do not hold the agents' users, such as ${outside}`);
  const reserved = users.filter(({ exclusive }) => exclusive);
  const exclusive = ours.every((userId) => reserved.some(({ regex }) => covers(regex, userId)));
  const registration: AppserviceRegistration = { id, asToken, hsToken, rateLimited, exclusive };
  return { text, registration };
}

function parsedYaml(text: string): unknown {
  try {
    return parse(text, { prettyErrors: false });
  } catch {
    return undefined;
  }
}

/** As homeservers match: from the beginning. */
function covers(regex: string, userId: string): boolean {
  try {
    return new RegExp(`^(?:${regex})`).test(userId);
  } catch {
    return false;
  }
}
