import { and, assign, setup } from "xstate";
import { effect } from "./placeholder.ts";
import { backoff, isCursorRefused, type Trouble, troubleWith, type Wait } from "./wait.ts";

/** A user that is wherever our agents are, by itself: one that has all power there, or one that reads along. */

export interface CoreUserInput {
  readonly userId: string;
}

export interface CoreUserContext extends CoreUserInput {
  /** The sync cursor: every invitation up to it has been seen to. */
  readonly since?: string | undefined;
  readonly trouble?: Trouble | undefined;
  readonly wait?: Wait | undefined;
}

export interface FollowInput {
  readonly userId: string;
  readonly since?: string;
  /** Set after trouble: the first answer ends it then, to say that all is well. */
  readonly recovering?: true;
}

/** Whether we can act as the user: else it is somebody's own, who accepts invitations by hand. */
export type Presence = "ours" | "theirs" | "unwanted";

const lasting: ReadonlySet<string> = new Set(["forbidden", "refused", "unsupported", "malformed"]);

export const coreUserMachine = setup({
  types: {
    input: {} as CoreUserInput,
    context: {} as CoreUserContext,
    /** The process has started, perhaps with another configuration. */
    events: {} as { readonly type: "WAKE" },
  },
  actors: {
    /** Registers the user or logs it in; with `renew`, after its session was refused. */
    ensureUser: effect<Presence, { userId: string; renew: boolean }>(),
    /** Accepts the invitations that our own users send, until it is time to note the cursor. */
    follow: effect<{ since: string }, FollowInput>(),
  },
  actions: {
    advance: assign((_, { since }: { since: string }) => ({ since })),
    /** Without one, the next answer has all invitations that stand. */
    dropCursor: assign(() => ({ since: undefined })),
    goOn: assign(() => ({ trouble: undefined, wait: undefined })),
    fail: assign(({ context }, event: { readonly error: unknown }) => {
      const trouble = troubleWith(event, context.trouble);
      return { trouble, wait: trouble.wait };
    }),
  },
  guards: {
    isOurs: (_, { presence }: { presence: Presence }) => presence === "ours",
    hasCursor: ({ context }) => context.since !== undefined,
    isCursorRefused: ({ context: { trouble } }) => isCursorRefused(trouble),
    isLasting: ({ context: { trouble } }) => lasting.has(trouble?.kind ?? ""),
  },
  delays: {
    retry: ({ context: { trouble } }) => backoff(trouble?.tries ?? 1, trouble?.retryAfterMs),
    mendingCheck: 600_000,
  },
}).createMachine({
  id: "core-user",
  version: "1",
  options: { maxIterations: 100 },
  context: ({ input }) => ({ ...input }),
  initial: "ensuring",
  states: {
    ensuring: {
      invoke: {
        id: "ensureUser",
        src: "ensureUser",
        input: ({ context: { userId, trouble } }) => ({ userId, renew: trouble?.kind === "token" }),
        onDone: [
          {
            guard: { type: "isOurs", params: ({ event }) => ({ presence: event.output }) },
            target: "following",
          },
          { target: "absent", actions: "goOn" },
        ],
        onError: { target: "troubled", actions: { type: "fail", params: ({ event }) => event } },
      },
    },
    following: {
      invoke: {
        id: "follow",
        src: "follow",
        input: ({ context: { userId, since, trouble } }) => ({
          userId,
          ...(since !== undefined && { since }),
          ...(trouble !== undefined && { recovering: true as const }),
        }),
        onDone: {
          target: "following",
          reenter: true,
          actions: [{ type: "advance", params: ({ event }) => event.output }, "goOn"],
        },
        onError: { target: "troubled", actions: { type: "fail", params: ({ event }) => event } },
      },
      on: { WAKE: "ensuring" },
    },
    troubled: {
      always: [
        { guard: "isLasting", target: "refused" },
        { guard: and(["hasCursor", "isCursorRefused"]), target: "following", actions: "dropCursor" },
        { target: "backingOff" },
      ],
    },
    backingOff: { after: { retry: "ensuring" } },
    refused: { after: { mendingCheck: "ensuring" }, on: { WAKE: "ensuring" } },
    /** Whose password we do not have, or who is not configured any more. */
    absent: { on: { WAKE: "ensuring" } },
  },
});
