import { agentUserId, serverOfUser } from "../../machines/addresses.ts";
import type { coreUserMachine } from "../../machines/core-user.ts";
import { type InvitedRoom, type MatrixClient, MatrixError, type SyncFilter } from "../../matrix/port.ts";
import { sleep } from "../../runtime/clock.ts";
import type { ChildEffects } from "../../runtime/effect.ts";
import { syncFrom } from "../cursor.ts";
import type { CoreUserOptions } from "./options.ts";

type CoreUserEffects = ChildEffects<typeof coreUserMachine>;

/** How long the homeserver may hold a poll, ms. */
const pollTimeout = 30_000;
/** The least time between two polls, ms: in busy rooms each message ends one. */
const leastInterval = 2_000;
/** After which the cursor is noted although nothing happened, ms, so that it never lags far behind. */
const longest = 3_600_000;

/** Invitations only: membership events come in any case. */
const filter: SyncFilter = { timelineTypes: [], timelineLimit: 1, stateTypes: [] };

/** What says that this one invitation leads nowhere, and that others may. */
const inVain: ReadonlySet<string> = new Set(["forbidden", "refused", "missing"]);

export function follow(options: CoreUserOptions): CoreUserEffects["follow"] {
  const { sessions, clock } = options;
  return async ({ userId, since: noted, recovering = false }, { signal }) => {
    const client = sessions.as(userId);
    const begun = clock.elapsed();
    let since = noted;
    for (;;) {
      const polled = clock.elapsed();
      const request = { timeoutMs: recovering ? 0 : pollTimeout, filter };
      const { nextBatch, invited } = await (since === undefined
        ? client.sync(request, signal)
        : syncFrom(client, { ...request, since }, signal));
      const ours = invited.length === 0 ? [] : await sentByOurs(options, invited);
      // One after the other, since joins are limited. What fails is in the next answer to the same cursor.
      for (const { roomId } of ours) await join(client, roomId, signal);
      const isLate = clock.elapsed() - begun >= longest;
      if (ours.length > 0 || noted === undefined || recovering || isLate) return { since: nextBatch };
      since = nextBatch;
      await sleep(clock, Math.max(0, polled + leastInterval - clock.elapsed()), signal);
    }
  };
}

/** A core user may be somebody's own: whom else that one follows is not for us to say. */
async function sentByOurs(
  { directory, botUserId }: CoreUserOptions,
  invited: readonly InvitedRoom[],
): Promise<readonly InvitedRoom[]> {
  const ours = new Set([botUserId]);
  for await (const { agentId } of directory.residents()) ours.add(agentUserId(serverOfUser(botUserId), agentId));
  return invited.filter(({ inviter }) => inviter !== undefined && ours.has(inviter));
}

async function join(client: MatrixClient, roomId: string, signal: AbortSignal): Promise<void> {
  try {
    await client.join(roomId, signal);
  } catch (error) {
    if (!(error instanceof MatrixError && inVain.has(error.kind))) throw error;
  }
}
