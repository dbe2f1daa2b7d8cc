import type { Status } from "../status/schema.ts";
import { unreachedWait } from "../status/transport.ts";
import { error, type Finding, ok, warning } from "./finding.ts";

/** What is told of each, at most; `letta-matrix status` shows all. */
const mostShown = 5;

/** What the running process waits for and what has crashed in it. */
export function runningFindings(status: Status): readonly Finding[] {
  const waits = waitsOf(status);
  const troubles = status.troubles.map(({ actor, health, error: message, remedy }) => {
    if (health === "quarantined")
      return error(
        "running",
        `${actor} crashed too often and takes nothing any more: ${message}`,
        remedy ?? release(actor),
      );
    const what = health === "silent" ? "was begun again, and is still silent" : "crashed and is started again";
    return warning("running", `${actor} ${what}: ${message}`, remedy ?? "Look at the log.");
  });
  const waiting = waits.map(({ who, reason, remedy }) =>
    warning("running", `${who} waits: ${reason}`, remedy ?? "Nothing: it goes on by itself."),
  );
  const found = [...shown(troubles, "crashed"), ...shown(waiting, "wait")];
  return found.length > 0
    ? found
    : [ok("running", `it runs, with ${status.agents.length} agents, and waits for nothing`)];
}

const release = (actor: string): string => `\`letta-matrix release ${actor}\` has it try again.`;

function shown(findings: readonly Finding[], what: string): readonly Finding[] {
  const rest = findings.length - mostShown;
  if (rest <= 0) return findings;
  const message = `${rest} more ${what}`;
  return [...findings.slice(0, mostShown), warning("running", message, "See all with `letta-matrix status`.")];
}

interface Waiting {
  readonly who: string;
  readonly reason: string;
  readonly remedy?: string;
}

export function waitsOf(status: Status): readonly Waiting[] {
  const { transport, discovery, space, coreUsers, agents, conversations } = status;
  const all = [
    { who: "the homeserver", wait: unreachedWait(transport) },
    { who: "discovery", wait: discovery?.wait },
    { who: "the space", wait: space?.wait },
    ...coreUsers.map(({ userId, wait }) => ({ who: userId, wait })),
    ...agents.map(({ name, agentId, wait }) => ({ who: name ?? agentId, wait })),
    ...conversations.map(({ agentId, roomId, wait }) => ({ who: `${agentId} in ${roomId}`, wait })),
  ];
  return all.flatMap(({ who, wait }) =>
    wait === undefined ? [] : [{ who, reason: wait.reason, ...(wait.remedy !== undefined && { remedy: wait.remedy }) }],
  );
}
