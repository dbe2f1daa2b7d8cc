/** How the command ends, as sysexits.h numbers it; systemd and other supervisors know these by name. */
export const exitCode = {
  ok: 0,
  failed: 1,
  /** The command line cannot be understood. */
  usage: 64,
  /** Nothing runs that could answer. */
  unavailable: 69,
  /** The configuration cannot be used: starting again changes nothing. */
  config: 78,
} as const;

export type ExitCode = (typeof exitCode)[keyof typeof exitCode];
