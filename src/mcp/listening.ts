import type { ServerResponse } from "node:http";
import type { ServerEvent, ServerEventBus } from "@modelcontextprotocol/server";
import { z } from "zod";
import { topics } from "../commands/watch/changes.ts";
import type { Interests } from "./server.ts";

/** What the protocol of 2026 has in the place of subscriptions: a request whose answer is a stream of changes. */

const request = z.looseObject({
  method: z.literal("subscriptions/listen"),
  params: z.looseObject({
    notifications: z.looseObject({
      resourcesListChanged: z.boolean().optional(),
      resourceSubscriptions: z.array(z.string()).optional(),
    }),
  }),
});

/** More streams at once are not kept open: who asks for one more is told that it hears of nothing. */
const mostStreams = 1_000;
/** Nor more of one token, so that it takes nobody else's place. */
const mostOfToken = 200;
/**
 * More resources one request does not follow: what may be heard of a room is asked of the homeserver, so that each costs as
 * much as a request of its own.
 */
const mostFollowed = 100;

interface Listened {
  /** The request, less what the client may not hear of: the SDK tells it what is left. */
  readonly body: unknown;
  /** By which the SDK hears of changes. */
  readonly bus?: ServerEventBus;
}

/** The streams that are open. */
export class Listening {
  /** By token. */
  readonly #open = new Map<string, number>();

  /** What to make of a request that was made with this token; of any but this one, nothing. */
  async of(body: unknown, token: string, client: Interests, reply: ServerResponse): Promise<Listened> {
    const { data } = request.safeParse(body);
    if (data === undefined) return { body };
    const isFull = this.#isFull(token);
    // Of one that has closed already nobody would be told, and it would count for ever.
    if (reply.destroyed) return { body: hearingOf(data, {}) };
    this.#count(token, 1);
    const gone = new AbortController();
    reply.once("close", () => {
      this.#count(token, -1);
      gone.abort(new Error("the client is gone"));
      client.subscriptions.end();
    });
    const notifications = isFull ? {} : await permitted(data.params.notifications, client, gone.signal);
    return {
      body: hearingOf(data, notifications),
      bus: busOf(client, () => reply.writableNeedDrain),
    };
  }

  #isFull(token: string): boolean {
    const all = [...this.#open.values()].reduce((sum, open) => sum + open, 0);
    return all >= mostStreams || (this.#open.get(token) ?? 0) >= mostOfToken;
  }

  #count(token: string, change: 1 | -1): void {
    const open = (this.#open.get(token) ?? 0) + change;
    if (open > 0) this.#open.set(token, open);
    else this.#open.delete(token);
  }
}

type Request = z.output<typeof request>;
type Wanted = Request["params"]["notifications"];

function hearingOf(asked: Request, notifications: Wanted): Request {
  return { ...asked, params: { ...asked.params, notifications } };
}

/** Begins to follow what the client may hear of, and says what that is. */
export async function permitted(
  { resourcesListChanged, resourceSubscriptions = [], ...others }: Wanted,
  { resources, subscriptions }: Interests,
  signal: AbortSignal,
): Promise<Wanted> {
  const uris: string[] = [];
  for (const uri of [...new Set(resourceSubscriptions)].slice(0, mostFollowed)) {
    try {
      await subscriptions.add(uri, await resources.topicOf(uri, signal));
      uris.push(uri);
    } catch {
      // What cannot be read is not followed, and the client sees that it is left out.
      if (signal.aborted) break;
    }
  }
  const hearsOfList = resourcesListChanged === true && resources.isListOpen;
  if (hearsOfList) await subscriptions.addList(topics.agents);
  return {
    ...others,
    ...(hearsOfList && { resourcesListChanged }),
    ...(uris.length > 0 && { resourceSubscriptions: uris }),
  };
}

function busOf({ subscriptions }: Pick<Interests, "subscriptions">, isBehind: () => boolean): ServerEventBus {
  return {
    publish: () => undefined,
    subscribe(listener: (event: ServerEvent) => void) {
      const outlet = {
        updated: (uri: string) => listener({ kind: "resource_updated", uri }),
        listChanged: () => listener({ kind: "resources_list_changed" }),
        isBehind,
      };
      subscriptions.open(outlet);
      return () => subscriptions.close(outlet);
    },
  };
}

const requestOver = z.looseObject({ id: z.union([z.string(), z.number()]), ...request.shape });
const cancelled = z.looseObject({
  method: z.literal("notifications/cancelled"),
  params: z.looseObject({ requestId: z.union([z.string(), z.number()]) }),
});

/** The same where one connection is all there is: such a request has no answer of its own, and ends by being cancelled. */
export class ListeningOver {
  readonly #client: Interests;
  /** What each of the requests that have not ended wants to hear of. */
  readonly #wanted = new Map<string | number, readonly string[]>();
  readonly #gone = new AbortController();

  constructor(client: Interests) {
    this.#client = client;
  }

  /** Gives the message as it is to be understood. */
  hear<T>(message: T): T | Promise<T> {
    const { data: over } = cancelled.safeParse(message);
    if (over !== undefined) this.#end(over.params.requestId);
    const { data: asked } = requestOver.safeParse(message);
    return asked === undefined ? message : this.#begin(message, asked);
  }

  end(): void {
    this.#gone.abort(new Error("the client is gone"));
    this.#client.subscriptions.end();
  }

  async #begin<T>(message: T, { id, params }: z.output<typeof requestOver>): Promise<T> {
    const notifications = await permitted(params.notifications, this.#client, this.#gone.signal);
    this.#wanted.set(id, notifications.resourceSubscriptions ?? []);
    return { ...message, params: { ...params, notifications } };
  }

  #end(id: string | number): void {
    const uris = this.#wanted.get(id) ?? [];
    this.#wanted.delete(id);
    const others = new Set([...this.#wanted.values()].flat());
    for (const uri of uris) if (!others.has(uri)) this.#client.subscriptions.remove(uri);
  }
}
