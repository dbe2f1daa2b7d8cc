import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);

/** This machine lacks something that the demo cannot install by itself. */
export class MissingPrerequisite extends Error {
  override readonly name = "MissingPrerequisite";
  readonly remedy: string;

  constructor(message: string, remedy: string, cause?: unknown) {
    super(message, { cause });
    this.remedy = remedy;
  }
}

/** What is not checked here, Python above all, is found out by the installation, and only when it is needed. */
export async function checkPrerequisites(): Promise<void> {
  if (process.platform === "win32")
    throw new MissingPrerequisite("Synapse does not run on Windows", "Run the demo under WSL, on Linux or on macOS.");
  await run("git", ["--version"]).catch((cause: unknown) => {
    throw new MissingPrerequisite(
      "git cannot be run, and Letta keeps its agents' memories in it",
      "Install it (Debian and Ubuntu: apt install git; macOS: xcode-select --install) and start the demo again.",
      cause,
    );
  });
}
