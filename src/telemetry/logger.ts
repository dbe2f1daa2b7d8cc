import { type DestinationStream, pino } from "pino";

/** Structured log lines. Fields never hold secrets or message text. */
export interface Logger {
  trace(fields: object, message: string): void;
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  fatal(fields: object, message: string): void;
  /** A logger that adds these fields to each of its lines. */
  child(fields: Readonly<Record<string, unknown>>): Logger;
}

/** A logger whose level can be changed; those made of it before keep theirs. */
export interface AdjustableLogger extends Logger {
  level: string;
}

export interface LoggerOptions {
  readonly level: "trace" | "debug" | "info" | "warn" | "error" | "fatal";
  /** Values that are cut out of every line, wherever they turn up. */
  readonly secrets: readonly string[];
  /** Where the lines go; standard output when left out. */
  readonly destination?: DestinationStream;
}

const censored = "[secret]";

/** Keys whose values are secrets that are made while running, so that `secrets` cannot name them. */
const secretKeys = ["accessToken", "access_token", "password", "secret", "token", "authorization"];
const secretPaths = ["", "*.", "*.*.", "*.*.*."].flatMap((above) => secretKeys.map((key) => `${above}${key}`));

/** JSON lines by pino: `level` as a word, `time` in ISO 8601, `err` with its causes. */
export function createLogger(options: LoggerOptions): AdjustableLogger {
  const cut = cutter(options.secrets);
  return pino(
    {
      level: options.level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: pino.stdSerializers.errWithCause },
      redact: { paths: secretPaths, censor: censored },
      hooks: { streamWrite: cut },
    },
    patient(options.destination ?? pino.destination({ fd: 1, sync: true, maxLength: mostKept })),
  );
}

/** What cannot be written, as when the disk is full, is kept up to so many bytes, and written once that works again. */
const mostKept = 1024 * 1024;

/** A line that cannot be written harms nobody: whoever logs cannot do anything about it. */
function patient(destination: DestinationStream): DestinationStream {
  return {
    write(line) {
      try {
        destination.write(line);
      } catch {
        // There is nowhere to say so.
      }
    },
  };
}

function cutter(secrets: readonly string[]): (line: string) => string {
  const spellings = [...new Set(secrets.map((secret) => JSON.stringify(secret).slice(1, -1)))].filter(Boolean);
  return (line) => spellings.reduce((rest, secret) => rest.replaceAll(secret, censored), line);
}
