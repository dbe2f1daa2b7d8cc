import { z } from "zod";
import { botLocalpart } from "../../../../src/config/bot-localpart.ts";
import type { NewRegistration } from "../../../../src/config/registration-text.ts";

/** An application service as a homeserver knows it. All of its namespaces are exclusive. */
export const appserviceRegistration = z.object({
  id: z.string(),
  /** Where it is reached. */
  url: z.string(),
  asToken: z.string(),
  hsToken: z.string(),
  senderLocalpart: z.string(),
  rateLimited: z.boolean(),
  /** Regular expressions, from the beginning of an id. */
  users: z.array(z.string()),
  aliases: z.array(z.string()),
});

export type AppserviceRegistration = z.infer<typeof appserviceRegistration>;

/** What `letta-matrix registration` has made, as the homeserver reads it. */
export function knownAs(registration: NewRegistration): AppserviceRegistration {
  const { id, url, asToken, hsToken, users, aliases } = registration;
  const common = { senderLocalpart: botLocalpart, rateLimited: false };
  return { id, url, asToken, hsToken, users: [...users], aliases: [...aliases], ...common };
}

/** One application service, and whose affairs are its own. */
export class Appservice {
  readonly registration: AppserviceRegistration;
  readonly sender: string;
  readonly #users: readonly RegExp[];
  readonly #aliases: readonly RegExp[];
  readonly #covered = new Map<string, boolean>();

  constructor(registration: AppserviceRegistration, serverName: string) {
    this.registration = registration;
    this.sender = `@${registration.senderLocalpart}:${serverName}`;
    const begins = (regex: string): RegExp => new RegExp(`^(?:${regex})`);
    this.#users = registration.users.map(begins);
    this.#aliases = registration.aliases.map(begins);
  }

  covers(userId: string): boolean {
    const known = this.#covered.get(userId);
    if (known !== undefined) return known;
    const covers = userId === this.sender || this.#users.some((regex) => regex.test(userId));
    this.#covered.set(userId, covers);
    return covers;
  }

  coversAlias(alias: string): boolean {
    return this.#aliases.some((regex) => regex.test(alias));
  }
}

/** All that the homeserver knows. */
export class Appservices {
  readonly all: readonly Appservice[];

  constructor(registrations: readonly AppserviceRegistration[], serverName: string) {
    this.all = registrations.map((registration) => new Appservice(registration, serverName));
  }

  byToken(token: string | undefined): Appservice | undefined {
    return this.all.find(({ registration }) => registration.asToken === token);
  }

  ownerOf(userId: string): Appservice | undefined {
    return this.all.find((one) => one.covers(userId));
  }

  ownerOfAlias(alias: string): Appservice | undefined {
    return this.all.find((one) => one.coversAlias(alias));
  }
}
