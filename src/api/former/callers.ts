import type { FastifyRequest } from "fastify";
import type { Principal, Scope } from "../../commands/access/principal.ts";
import { isLoopback } from "../exposure.ts";
import { Refused } from "./failures.ts";
import type { FormerOptions } from "./options.ts";
import { isSameSecret } from "./secrets.ts";

/** Whoever calls a former route. */
export type Caller =
  /** By a token of ours, by the internal key, or because everybody may. */
  | { readonly kind: "principal"; readonly principal: Principal; readonly isTrusted: boolean }
  /** A person, by a token of the homeserver's. */
  | { readonly kind: "guest"; readonly accessToken: string };

/** What the internal key and `legacy_open` stand for: all that the former routes do. */
const formerScopes: readonly Scope[] = [
  "messages:read",
  "messages:send",
  "rooms:read",
  "rooms:write",
  "agents:read",
  "agents:message",
];

/** Tells who calls, by whatever of the three ways that older clients know. */
export class Callers {
  readonly #options: Pick<FormerOptions, "authentication" | "access">;

  constructor(options: Pick<FormerOptions, "authentication" | "access">) {
    this.#options = options;
  }

  /** Throws {@link Refused}. What is shown and not good is never passed over for something weaker. */
  of(request: FastifyRequest): Caller {
    const known = this.#byHeaders(request);
    const accessToken = accessTokenOf(request);
    if (accessToken !== undefined) {
      const principal = this.#options.authentication.principalOf(accessToken);
      // No homeserver gives one like it: one of ours that is over, or something that cannot be asked about.
      if (principal === undefined && (accessToken.startsWith("lm_") || !/^[\x21-\x7e]{1,4096}$/.test(accessToken)))
        throw new Refused(401, "The access token is not good (any more).");
      return principal === undefined
        ? { kind: "guest", accessToken }
        : { kind: "principal", principal, isTrusted: false };
    }
    if (known !== undefined) return known;
    throw new Refused(401, `A token is needed: "Authorization: Bearer <token>", "X-Internal-Key", or access_token.`);
  }

  /** Whose requests are counted together. */
  counted({ headers, ip }: FastifyRequest): string {
    const [, token = ""] = /^Bearer +(\S+)$/i.exec(headers.authorization ?? "") ?? [];
    const tokenId = this.#options.authentication.principalOf(token)?.tokenId;
    return tokenId === undefined ? `address ${ip}` : `token ${tokenId}`;
  }

  /** The same, for what no guest may do. */
  principalOf(request: FastifyRequest): Caller & { readonly kind: "principal" } {
    const caller = this.of(request);
    if (caller.kind === "principal") return caller;
    const known = this.#byHeaders(request);
    if (known !== undefined) return known;
    throw new Refused(401, "The access token is none of letta-matrix: this needs one, or X-Internal-Key.");
  }

  #byHeaders(request: FastifyRequest): (Caller & { readonly kind: "principal" }) | undefined {
    const { authentication, access } = this.#options;
    const { authorization } = request.headers;
    if (authorization !== undefined) {
      const [, token] = /^Bearer +(\S+)$/i.exec(authorization) ?? [];
      const principal = token === undefined ? undefined : authentication.principalOf(token);
      if (principal === undefined) throw new Refused(401, "The token is not good (any more).");
      return { kind: "principal", principal, isTrusted: false };
    }
    const key = headerOf(request, "x-internal-key");
    if (key !== undefined) {
      if (access.internalKey === undefined || !isSameSecret(key, access.internalKey))
        throw new Refused(401, "The internal key is not the one that is configured (api.internal_key).");
      return trusted("internal key");
    }
    if (access.legacyOpen && isLocal(request)) return trusted("anybody");
    return undefined;
  }
}

function trusted(name: string): Caller & { readonly kind: "principal" } {
  return { kind: "principal", principal: { name, scopes: new Set(formerScopes) }, isTrusted: true };
}

/** By which a proxy says that it hands something on. */
const handedOn = /^(forwarded|x-forwarded(-.*)?|x-real-ip|via)$/;

/**
 * Whether it comes from this machine, as far as can be told: what a proxy hands on may come from anywhere, and one that
 * neither says so nor keeps the name that it was called by looks like any program here.
 */
function isLocal({ socket, headers, hostname }: FastifyRequest): boolean {
  const isHandedOn = Object.keys(headers).some((name) => handedOn.test(name));
  return !isHandedOn && isLoopback(hostname) && isLoopback(socket.remoteAddress ?? "");
}

/** In the body where there is one, else in the header. */
function accessTokenOf(request: FastifyRequest): string | undefined {
  const inBody: unknown = Reflect.get(Object(request.body), "access_token");
  if (typeof inBody === "string" && inBody !== "") return inBody;
  return headerOf(request, "x-access-token");
}

function headerOf(request: FastifyRequest, name: string): string | undefined {
  const value = request.headers[name];
  return typeof value === "string" && value !== "" ? value : undefined;
}
