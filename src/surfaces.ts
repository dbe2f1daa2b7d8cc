import { callerOf } from "./api/bearer.ts";
import { isLoopback, PublicWithoutTokens } from "./api/exposure.ts";
import { healthPart } from "./api/health.ts";
import { rateLimited } from "./api/rate-limit.ts";
import { HttpServer } from "./api/server.ts";
import { restPart } from "./api/v1/part.ts";
import { controlHandlers } from "./cli/control-handlers.ts";
import type { AuditLog } from "./commands/access/audit-log.ts";
import type { Tokens } from "./commands/access/tokens.ts";
import type { BoundCommand } from "./commands/command.ts";
import { ownVersion } from "./commands/system/own-version.ts";
import type { ChangeFeed } from "./commands/watch/changes.ts";
import type { Config } from "./config/schema.ts";
import { type FormerClientsOptions, formerClientsAt } from "./former-clients.ts";
import { mcpPart } from "./mcp/part.ts";
import type { Clock } from "./runtime/clock.ts";
import { ControlServer } from "./runtime/control/server.ts";
import { controlSocketIn } from "./runtime/control/socket-path.ts";
import type { ChildSpec } from "./runtime/supervisor.ts";
import { startWhole } from "./runtime/whole.ts";
import type { Logger } from "./telemetry/logger.ts";

export interface SurfaceOptions {
  readonly config: Config;
  readonly commands: readonly BoundCommand[];
  /** Tells what changes. */
  readonly changes: ChangeFeed;
  readonly tokens: Tokens;
  readonly audit: AuditLog;
  readonly clock: Clock;
  readonly logger: Logger;
  /** What clients of the older system are served with. */
  readonly former: Pick<FormerClientsOptions, "homeserver" | "people" | "sessions" | "host" | "botUserId">;
}

/** All by which others ask something of the running process. */
export function surfacesOf(options: SurfaceOptions): readonly ChildSpec[] {
  const { config, commands, changes, clock } = options;
  const control: ChildSpec = {
    id: "control socket",
    restart: "permanent",
    async start() {
      const server = new ControlServer({
        path: controlSocketIn(config.dataFolder),
        handlers: controlHandlers(commands, changes),
        clock,
      });
      await startWhole(
        () => server.start(),
        () => server.stop(),
      );
      return server;
    },
    shutdown: 2_000,
  };
  return config.api.listen === undefined ? [control] : [control, httpSurface(options, config.api.listen)];
}

function httpSurface(
  { config, commands, changes, tokens, audit, clock, logger, former }: SurfaceOptions,
  listen: { readonly host: string; readonly port: number },
): ChildSpec {
  const { allowedHosts, allowedOrigins, ratePerMinute, publicUrl } = config.api;
  const publicHosts = publicUrl === undefined ? [] : [new URL(publicUrl).hostname];
  return {
    id: "http server",
    restart: "permanent",
    async start() {
      if (!isLoopback(listen.host) && !tokens.isAnyGood()) throw new PublicWithoutTokens(listen.host);
      const server = new HttpServer({
        ...listen,
        admission: { allowedHosts: [...allowedHosts, ...publicHosts], allowedOrigins },
        parts: [
          formerClientsAt(listen.host, {
            ...former,
            config,
            commands,
            authentication: tokens,
            audit,
            ratePerMinute,
            clock,
            logger,
          }),
          healthPart({ commands, clock }),
          restPart({ commands, authentication: tokens, ratePerMinute, clock, logger }),
          rateLimited(
            mcpPart({
              commands,
              authentication: tokens,
              feed: changes,
              clock,
              logger,
              version: ownVersion(),
              callerOf: ({ headers }) => callerOf(headers, tokens),
            }),
            { authentication: tokens, ratePerMinute },
          ),
        ],
        logger,
      });
      await startWhole(
        () => server.start(),
        () => server.stop(),
      );
      return server;
    },
    shutdown: 2_000,
  };
}
