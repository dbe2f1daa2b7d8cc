import { setImmediate } from "node:timers/promises";
import { adoptionMarker } from "../../src/actors/marker.ts";
import type { Homeserver, MatrixClient } from "../../src/matrix/port.ts";

/** Told of each request before it leaves, and when its answer has come but nobody has been given it. */
export type OnRequest = (userId: string, request: string, when: "before" | "after") => void;

/** What goes on all the time, and what belongs to conversations, to looks back, or to who gives out what is pushed. */
const others: ReadonlySet<string> = new Set(["sync", "typing", "receipt", "joinedMembers", `state ${adoptionMarker}`]);

/** The homeserver, with a boundary before and after each request of provisioning and retirement. */
export function watchHomeserver(homeserver: Homeserver, onRequest: OnRequest): Homeserver {
  const { serverName } = homeserver;
  const watched = async <T>(userId: string, request: string, ask: () => Promise<T>): Promise<T> => {
    // What the host tells of its commits comes first.
    await setImmediate();
    onRequest(userId, request, "before");
    const answer = await ask();
    onRequest(userId, request, "after");
    return answer;
  };
  return {
    serverName,
    register: (account, signal) =>
      watched(`@${account.localpart}:${serverName}`, "register", () => homeserver.register(account, signal)),
    login: (account, signal) =>
      watched(`@${account.localpart}:${serverName}`, "login", () => homeserver.login(account, signal)),
    as: (credentials) => watchClient(homeserver.as(credentials), watched),
  };
}

type Watched = <T>(userId: string, request: string, ask: () => Promise<T>) => Promise<T>;

/** All methods alike, also those that it gets one day. */
function watchClient(client: MatrixClient, watched: Watched): MatrixClient {
  return new Proxy(client, {
    get(target, name) {
      const method: unknown = Reflect.get(target, name);
      if (typeof method !== "function" || typeof name !== "string" || others.has(name)) return bound(method, target);
      return (...args: readonly unknown[]) => {
        const request = requestOf(name, args);
        const ask = async () => await Reflect.apply(method, target, args);
        return others.has(request) ? ask() : watched(target.userId, request, ask);
      };
    },
  });
}

function bound(member: unknown, target: MatrixClient): unknown {
  return typeof member === "function" ? member.bind(target) : member;
}

/** `sendState m.space.child`: what is asked, without whose it is. */
function requestOf(name: string, args: readonly unknown[]): string {
  const typed: ReadonlySet<string> = new Set(["state", "sendState", "send"]);
  return typed.has(name) ? `${name} ${String(args[1])}` : name;
}
