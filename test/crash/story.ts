import type { Evidence } from "./evidence.ts";

/** What happened to a message, line by line, with milliseconds since its first line: for whoever looks into a failure. */
export function storyOf(eventId: string, evidence: Evidence): string[] {
  const message = evidence.messages.find((candidate) => candidate.eventId === eventId);
  if (message === undefined) return [];
  const nonces = [message.nonce, message.edited];
  const accepted = evidence.acceptances.filter((acceptance) => acceptance.eventId === eventId);
  const otids = new Set(evidence.inputs.filter((input) => input.eventId === eventId).map(({ otid }) => otid));
  const own = [
    ...evidence.passings
      .filter((passing) => passing.eventId === eventId)
      .map(({ at, boundary }) => ({ at, text: boundary })),
    ...accepted.map(({ at, otid }) => ({ at, text: `input ${otid}: accepted` })),
    ...evidence.inputs
      .filter(({ otid }) => otids.has(otid))
      .map(({ at, otid, what, detail = "" }) => ({ at, text: `input ${otid}: ${what} ${detail}` })),
    ...evidence.askings
      .filter(({ nonce }) => nonce !== undefined && nonces.includes(nonce))
      .map(({ at, outcome, afterTool }) => {
        const why = afterTool ? " with a tool's result" : "";
        return { at, text: `the model was asked${why}: ${outcome ?? "still at it"}` };
      }),
  ].toSorted((one, other) => one.at - other.at);
  const first = own[0]?.at ?? 0;
  const last = own.at(-1)?.at ?? 0;
  const kills = evidence.kills
    .filter(({ at }) => at >= first && at <= last + 1_000)
    .map((kill) => ({ at: kill.at, text: `KILL ${kill.kind} at ${kill.boundary} of ${kill.eventId}` }));
  return [...own, ...kills]
    .toSorted((one, other) => one.at - other.at)
    .map(({ at, text }) => `${String(at - first).padStart(7)} ms  ${text}`);
}
