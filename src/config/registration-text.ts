import { randomBytes } from "node:crypto";
import { botLocalpart } from "./bot-localpart.ts";

/** The homeservers whose ways to be told of an application service are known. */
export const registrable = ["synapse", "dendrite", "tuwunel"] as const;
export type Registrable = (typeof registrable)[number];

export interface NewRegistration {
  readonly id: string;
  /** Where the homeserver reaches us. */
  readonly url: string;
  /** Secrets. */
  readonly asToken: string;
  readonly hsToken: string;
  readonly users: readonly string[];
  readonly aliases: readonly string[];
}

/** With new tokens. `spaceAlias`: the part between # and : of the space's alias. */
export function newRegistration({ url, serverName, spaceAlias }: Record<"url" | "serverName" | "spaceAlias", string>) {
  const server = escaped(serverName);
  const token = () => randomBytes(32).toString("base64url");
  return {
    id: botLocalpart,
    url,
    asToken: token(),
    hsToken: token(),
    users: [`@agent_.*:${server}`, `@${botLocalpart}:${server}`],
    aliases: [`#agent_.*:${server}`, `#${escaped(spaceAlias)}(-[0-9]+)?:${server}`],
  } satisfies NewRegistration;
}

/** What Synapse and Dendrite read, and we. Strings in JSON are YAML, too. */
export function registrationYaml(registration: NewRegistration): string {
  const { id, url, asToken, hsToken, users, aliases } = registration;
  const exclusive = (regex: string): string => `    - { exclusive: true, regex: ${JSON.stringify(regex)} }`;
  return lines(
    "# Made by `letta-matrix registration`, for the homeserver and for letta-matrix: both tokens are secrets.",
    `id: ${JSON.stringify(id)}`,
    "# Where the homeserver reaches letta-matrix (homeserver.appservice.listen in its configuration).",
    `url: ${JSON.stringify(url)}`,
    `as_token: ${JSON.stringify(asToken)}`,
    `hs_token: ${JSON.stringify(hsToken)}`,
    `sender_localpart: ${JSON.stringify(botLocalpart)}`,
    "# Left out, it would mean true.",
    "rate_limited: false",
    "namespaces:",
    "  users:",
    ...users.map(exclusive),
    "  aliases:",
    ...aliases.map(exclusive),
    "  rooms: []",
  );
}

/** The same as a piece of Tuwunel's configuration. Strings in JSON are TOML, too. */
export function tuwunelTable({ id, url, asToken, hsToken, users, aliases }: NewRegistration): string {
  const table = `global.appservice.${id}`;
  const exclusive = (kind: string) => (regex: string) => [
    "",
    `[[${table}.${kind}]]`,
    "exclusive = true",
    `regex = ${JSON.stringify(regex)}`,
  ];
  return lines(
    "# Made by `letta-matrix registration`: add it to tuwunel.toml. Both tokens are secrets.",
    `[${table}]`,
    `url = ${JSON.stringify(url)}`,
    `as_token = ${JSON.stringify(asToken)}`,
    `hs_token = ${JSON.stringify(hsToken)}`,
    `sender_localpart = ${JSON.stringify(botLocalpart)}`,
    "rate_limited = false",
    ...users.flatMap(exclusive("users")),
    ...aliases.flatMap(exclusive("aliases")),
  );
}

function lines(...all: readonly string[]): string {
  return `${all.join("\n")}\n`;
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
}
