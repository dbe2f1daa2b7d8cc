import { defaultActionLife } from "../../runtime/effect.ts";
import type { AgentContext, Invitation, Polled } from "./context.ts";

/**
 * Invitations that a look has found and that are being answered, for as long as the runtime tries. The homeserver tells
 * each look of all that stand: one that cannot be answered would be taken up once more by each of them.
 */
export type Answering = Readonly<Record<string, number>>;

type Known = Pick<AgentContext, "answering">;

/** Those among what a look has found that nobody is answering yet. */
export function newIn({ answering }: Known, { invited = [] }: Pick<Polled, "invited">, at: number) {
  const underWay = stillIn(answering, at);
  const fresh: readonly Invitation[] = invited.filter(({ roomId }) => underWay[roomId] === undefined);
  return fresh.length === 0 ? {} : { invited: fresh };
}

export function answeringAlso(known: Known, { invited = [] }: Pick<Polled, "invited">, at: number): Known {
  const begun = Object.fromEntries(invited.map(({ roomId }) => [roomId, at]));
  return noted({ ...begun, ...stillIn(known.answering, at) });
}

export function answered({ answering = {} }: Known, rooms: readonly string[]): Known {
  return noted(Object.fromEntries(Object.entries(answering).filter(([roomId]) => !rooms.includes(roomId))));
}

function stillIn(answering: Answering = {}, at: number): Answering {
  return Object.fromEntries(Object.entries(answering).filter(([, since]) => at - since < defaultActionLife));
}

function noted(answering: Answering): Known {
  return { answering: Object.keys(answering).length === 0 ? undefined : answering };
}
