/** What a change of a key does to the running process when it is told to read its configuration again. */
export type Reload =
  /** It is taken over; `when` says from when on. */
  | { readonly kind: "live"; readonly when: string }
  /** It is refused, and with it all other changes; `why` ends the sentence "only a restart changes it, because …". */
  | { readonly kind: "restart"; readonly why: string };

export function live(when: string): Reload {
  return { kind: "live", when };
}

export function restart(why: string): Reload {
  return { kind: "restart", why };
}
