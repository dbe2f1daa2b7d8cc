import { z } from "zod";
import type { Avatar } from "../../machines/agent/context.ts";
import type { agentMachine } from "../../machines/agent/index.ts";
import type { MatrixClient, MediaFile, Profile } from "../../matrix/port.ts";
import type { ChildEffects, EffectContext } from "../../runtime/effect.ts";
import type { Sessions } from "../sessions.ts";
import { shortened } from "./contents.ts";

type AgentEffects = ChildEffects<typeof agentMachine>;

/** A picture for an agent. `source` changes with the picture, and with nothing else. */
export type Picture = { readonly source: string } & ({ readonly url: string } | { readonly file: MediaFile });

/** The picture that an agent is to have; `undefined` for none. */
export type PictureOf = (agentId: string) => Picture | undefined;

/** What an earlier process uploaded before it died. */
const uploaded = z.object({ source: z.string(), url: z.string() });

/** Sees to it that the agent's user shows the agent's name and its picture, which is uploaded once. */
export function ensureProfile(sessions: Sessions, pictureOf: PictureOf): AgentEffects["ensureProfile"] {
  return async ({ userId, agentId, name, avatar }, context) => {
    const { signal } = context;
    const client = sessions.as(userId);
    const shown = await client.profile(userId, signal);
    const displayName = shortened(name);
    if (shown.displayName !== displayName) await client.setDisplayName(displayName, signal);
    const picture = pictureOf(agentId);
    if (picture === undefined) {
      if (avatar !== null) await client.setAvatarUrl("", signal);
      return { avatar: null };
    }
    const wanted = { source: picture.source, url: await urlOf(picture, { client, shown, avatar, context }) };
    if (shown.avatarUrl !== wanted.url) await client.setAvatarUrl(wanted.url, signal);
    return { avatar: wanted };
  };
}

interface Known {
  readonly client: MatrixClient;
  readonly shown: Profile;
  readonly avatar: Avatar | null;
  readonly context: Pick<EffectContext<never>, "checkpointed" | "checkpoint" | "signal">;
}

async function urlOf(picture: Picture, { client, shown, avatar, context }: Known): Promise<string> {
  if ("url" in picture) return picture.url;
  const { source, file } = picture;
  if (avatar?.source === source) return avatar.url;
  const earlier = uploaded.safeParse(context.checkpointed);
  if (earlier.success && earlier.data.source === source) return earlier.data.url;
  // Without a record of our own, the store was lost: the user shows what was uploaded then.
  if (avatar === null && (shown.avatarUrl ?? "") !== "") return shown.avatarUrl ?? "";
  const url = await client.upload(file, context.signal);
  await context.checkpoint({ source, url });
  return url;
}
