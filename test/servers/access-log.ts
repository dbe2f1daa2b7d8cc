/** A request that Synapse has answered (a running long-poll is not in the log yet). */
export interface LoggedRequest {
  /** When it ended, milliseconds since 1970. */
  readonly at: number;
  /** How long Synapse took, milliseconds. */
  readonly tookMs: number;
  readonly method: string;
  /** Without the query, still percent-encoded. */
  readonly path: string;
  /** Synapse leaves access tokens out. */
  readonly query: URLSearchParams;
  /** The user on whose behalf it was made; missing where none is authenticated (register, login). */
  readonly user?: string;
  readonly status: number;
  /** False when the client hung up before the end of the answer. */
  readonly complete: boolean;
  readonly userAgent: string;
}

// Synapse's docs/usage/administration/request_log.md; the first column is our formatter's.
const line =
  /^(?<at>\d+\.\d+) \S+ - \S+ - \{(?<user>[^}]*)\} Processed request: (?<took>[\d.]+)sec\/.* \S+B (?<status>\d+)(?<cut>!?) "(?<method>\S+) (?<uri>\S+) \S+" "(?<agent>[^"]*)" \[\d+ dbevts\]$/;

/** Reads the lines of Synapse's access log; throws on a line it does not know, so that nothing is left out silently. */
export function parseAccessLog(text: string): LoggedRequest[] {
  return text
    .split("\n")
    .slice(0, -1) // what follows the last line end is not complete yet
    .map(parseLine);
}

function parseLine(text: string): LoggedRequest {
  const groups = line.exec(text)?.groups;
  if (groups === undefined) throw new Error(`unknown line in Synapse's access log: ${text}`);
  const { at, user = "", took, status, cut, method = "", uri = "", agent = "" } = groups;
  const [path = "", query = ""] = uri.split(/\?(.*)/s);
  // `authenticated|acting` where an application service acts for one of its users.
  const acting = user.slice(user.lastIndexOf("|") + 1);
  return {
    at: Number(at) * 1000,
    tookMs: Number(took) * 1000,
    method,
    path,
    query: new URLSearchParams(query),
    ...(acting === "None" || acting === "" ? {} : { user: acting }),
    status: Number(status),
    complete: cut === "",
    userAgent: agent,
  };
}
