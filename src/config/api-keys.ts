import { z } from "zod";
import { formerApiKeys } from "./former-api-keys.ts";
import { restart } from "./reload.ts";
import { text, url } from "./values.ts";

/** In the place of an address: nothing is served. */
const nowhere = "none";

const listening = restart("the HTTP server is started with it");

/** The section `api`. */
export const api = z
  .strictObject({
    listen: text
      .regex(
        /^(none|(\[[0-9a-fA-F:.]+\]|[^\s:/]+):\d{1,5})$/,
        "must be an address and a port, such as 127.0.0.1:8290, or none",
      )
      .refine(
        (value) => value === nowhere || Number(value.slice(value.lastIndexOf(":") + 1)) <= 65_535,
        "must have a port up to 65535",
      )
      .default(nowhere)
      .meta({
        description:
          "Where the REST API, MCP and the health checks are served, such as 127.0.0.1:8290; none for nowhere. Everybody but the health checks needs a token (`letta-matrix token create`). At an address that other machines reach, it is refused to start before there is a token.",
        example: "listen: 127.0.0.1:8290",
        reload: listening,
      }),
    allowed_hosts: z.array(text, "must be a list of host names").default([]).meta({
      description: "Names by which it is called, besides addresses and localhost: a proxy's, say.",
      example: "allowed_hosts: [agents.example.org]",
      reload: listening,
    }),
    allowed_origins: z.array(text, "must be a list of origins").default([]).meta({
      description: "Origins of web pages that may call it.",
      example: "allowed_origins: [https://console.example.org]",
      reload: listening,
    }),
    rate: z.int("must be a whole number").min(1, "must be at least 1").default(1_200).meta({
      description:
        "Requests a minute that each token may make of the REST API, as many by MCP, and as many of the older system's routes, where whoever shows no token of ours is counted by address.",
      example: "rate: 1200",
      reload: listening,
    }),
    public_url: z
      .union(
        [z.literal(nowhere), url(/^https?$/, "an http:// or https:// address")],
        "must be an http:// or https:// address without a query, or none",
      )
      .default(nowhere)
      .meta({
        description:
          "By which address others reach what listen serves, through a proxy mostly; none where nobody does. Letta needs it for letta.attach_tools. Its host need not be in allowed_hosts, too.",
        example: "public_url: https://agents.example.org",
        reload: listening,
      }),
    ...formerApiKeys,
  })
  .prefault({})
  .meta({ description: "The REST API and MCP." });

/** Where and for whom HTTP is served. */
export interface ApiConfig {
  /** Left out when nothing is served. */
  readonly listen?: { readonly host: string; readonly port: number };
  /** Without a slash at its end. */
  readonly publicUrl?: string;
  readonly allowedHosts: readonly string[];
  readonly allowedOrigins: readonly string[];
  readonly ratePerMinute: number;
}

/** What the section says, as it is used. */
export function apiConfig({
  public_url,
  listen,
  allowed_hosts,
  allowed_origins,
  rate,
}: z.output<typeof api>): ApiConfig {
  const colon = listen.lastIndexOf(":");
  return {
    ...(listen !== nowhere && {
      listen: { host: listen.slice(0, colon).replace(/^\[(.*)\]$/, "$1"), port: Number(listen.slice(colon + 1)) },
    }),
    ...(public_url !== nowhere && { publicUrl: public_url }),
    allowedHosts: allowed_hosts,
    allowedOrigins: allowed_origins,
    ratePerMinute: rate,
  };
}
