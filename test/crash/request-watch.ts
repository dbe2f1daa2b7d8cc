import type { MatrixClient } from "../../src/matrix/port.ts";
import { type HomeRequest, homeRequests } from "./boundaries.ts";
import type { KillPoint } from "./kill-point.ts";

/** What a client is asked beside the requests of which it takes the kind of event, too. */
const typed: ReadonlySet<string> = new Set(["state", "sendState"]);

/** Goes on all the time. */
const endless: ReadonlySet<string> = new Set(["sync"]);

/** The boundaries that lie before and after the requests by which an agent gets its home. */
export class RequestWatch {
  readonly #points: KillPoint;

  constructor(points: KillPoint) {
    this.#points = points;
  }

  async through<T>(userId: string, request: string, ask: () => Promise<T>): Promise<T> {
    const home = homeRequests.find((one) => one === request);
    this.#pass("before", home, userId);
    const answer = await ask();
    this.#pass("after", home, userId);
    return answer;
  }

  /** All methods alike, also those that it gets one day. */
  watched(client: MatrixClient): MatrixClient {
    return new Proxy(client, {
      get: (target, name) => {
        const method: unknown = Reflect.get(target, name);
        if (typeof method !== "function" || typeof name !== "string") return method;
        if (endless.has(name)) return method.bind(target);
        return (...args: readonly unknown[]) => {
          const request = typed.has(name) ? `${name} ${String(args[1])}` : name;
          return this.through(target.userId, request, async () => await Reflect.apply(method, target, args));
        };
      },
    });
  }

  #pass(when: "before" | "after", request: HomeRequest | undefined, userId: string): void {
    this.#points.pulse();
    if (request !== undefined) this.#points.pass(`${when} ${request}`, { userId });
  }
}
