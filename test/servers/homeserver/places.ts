import { Fault } from "./fault.ts";

/** Places in the homeserver's streams, as clients are given them. */
export interface Place {
  readonly events: number;
  readonly receipts: number;
  readonly typing: number;
}

export const beginning: Place = { events: 0, receipts: 0, typing: 0 };

/** A cursor of /sync. */
export function cursor({ events, receipts, typing }: Place): string {
  return `s${events}_${receipts}_${typing}`;
}

/** A place between two events, as /messages takes it. */
export function between(events: number): string {
  return `t${events}`;
}

/** Reads either of them. */
export function readPlace(text: string): Place {
  const [, events, receipts = 0, typing = 0] = /^[st](\d+)(?:_(\d+)_(\d+))?$/.exec(text) ?? [];
  if (events === undefined) throw new Fault(400, "M_UNKNOWN", "Invalid stream token");
  return { events: Number(events), receipts: Number(receipts), typing: Number(typing) };
}
