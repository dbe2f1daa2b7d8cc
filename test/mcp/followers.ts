import { Client as ClientOfToday } from "@modelcontextprotocol/client";
import { Client as ClientOf2025 } from "@modelcontextprotocol/sdk/client/index.js";
import type { Transport as TransportOf2025 } from "@modelcontextprotocol/sdk/shared/transport.js";
import {
  ResourceListChangedNotificationSchema,
  ResourceUpdatedNotificationSchema,
} from "@modelcontextprotocol/sdk/types.js";
import { ofToday } from "./clients.ts";

type TransportOfToday = Parameters<ClientOfToday["connect"]>[0];

/** A client that follows resources, in the way of its era. */
export interface Follower {
  /** What it has been told, in order: addresses, and `list`. */
  readonly told: string[];
  /** What it may follow of these; the list of resources, too. */
  follow(uris: readonly string[]): Promise<readonly string[]>;
  unfollow(uri: string): Promise<void>;
  readonly capabilities: unknown;
  close(): Promise<void>;
}

export async function followerOf2025(transport: TransportOf2025): Promise<Follower> {
  const told: string[] = [];
  const client = new ClientOf2025({ name: "test", version: "1" });
  client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => void told.push(params.uri));
  client.setNotificationHandler(ResourceListChangedNotificationSchema, () => void told.push("list"));
  await client.connect(transport);
  return {
    told,
    capabilities: client.getServerCapabilities(),
    async follow(uris) {
      const followed: string[] = [];
      for (const uri of uris) {
        const answer = await client.subscribeResource({ uri }).catch(() => undefined);
        if (answer !== undefined) followed.push(uri);
      }
      return followed;
    },
    async unfollow(uri) {
      await client.unsubscribeResource({ uri });
    },
    close: () => client.close(),
  };
}

export async function followerOfToday(transport: TransportOfToday): Promise<Follower> {
  const told: string[] = [];
  const client = new ClientOfToday({ name: "test", version: "1" }, ofToday);
  client.setNotificationHandler("notifications/resources/updated", ({ params }) => void told.push(params.uri));
  client.setNotificationHandler("notifications/resources/list_changed", () => void told.push("list"));
  await client.connect(transport);
  let followed: readonly string[] = [];
  let subscription: Awaited<ReturnType<ClientOfToday["listen"]>> | undefined;
  const listen = async (uris: readonly string[]) => {
    await subscription?.close();
    subscription = await client.listen({ resourceSubscriptions: [...uris], resourcesListChanged: true });
    followed = subscription.honoredFilter.resourceSubscriptions ?? [];
    return followed;
  };
  return {
    told,
    capabilities: client.getServerCapabilities(),
    follow: listen,
    async unfollow(uri) {
      await listen(followed.filter((one) => one !== uri));
    },
    close: () => client.close(),
  };
}
