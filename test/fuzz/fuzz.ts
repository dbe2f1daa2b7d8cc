import { run } from "../servers/install.ts";

export interface Fuzzing {
  /** Schemathesis. */
  readonly command: string;
  readonly baseUrl: string;
  /** The OpenAPI document: a file, or where the server has it. */
  readonly document: string;
  /** Sent with each request. */
  readonly headers: Readonly<Record<string, string>>;
  /** For each operation. */
  readonly cases: number;
  readonly seed: number;
}

/** Nothing fails for what is sent, and nothing is answered that the document does not tell. */
const checks = [
  "not_a_server_error",
  "status_code_conformance",
  "content_type_conformance",
  "response_schema_conformance",
  "response_headers_conformance",
];

/**
 * Asks everything that a server's document describes, with inputs that fit it and inputs that do not. Fails with what was
 * found; `report` gets what Schemathesis says.
 */
export async function fuzz(name: string, given: Fuzzing, report: (line: string) => void): Promise<void> {
  const { command, baseUrl, document, headers, cases, seed } = given;
  const args = [
    "run",
    document.startsWith("/") ? `${baseUrl}${document}` : document,
    "--url",
    baseUrl,
    ...["--checks", checks.join(",")],
    ...["--phases", "examples,coverage,fuzzing"],
    ...["--mode", "all"],
    ...["--max-examples", String(cases)],
    ...["--seed", String(seed)],
    ...["--workers", "1"],
    ...["--warnings", "off"],
    ...["--request-timeout", "30"],
    "--continue-on-failure",
    ...Object.entries(headers).flatMap(([header, value]) => ["--header", `${header}: ${value}`]),
  ];
  await run(name, command, args, report, { ...process.env, NO_COLOR: "1", COLUMNS: "160" });
}
