import type { RawData } from "ws";
import { type Reply, type RuntimeFrame, reply, runtimeFrame, runtimeFrameTypes } from "./frames.ts";

export type Incoming =
  | { readonly kind: "runtime"; readonly frame: RuntimeFrame; readonly reply?: Reply }
  | { readonly kind: "reply"; readonly reply: Reply };

/**
 * Frames that were let pass, by the reason.
 * - `uninteresting`: of a type that is not in use.
 * - `unreadable`: no JSON object, or binary.
 * - `mistyped`: of a type in use, but not of its form.
 * - `oversized`: longer than this process wants to read.
 */
export type Ignored = "uninteresting" | "unreadable" | "mistyped" | "oversized";

/** Of some 10 kB each, several per turn: not worth parsing to find out that they are not in use. */
const uninteresting = /^\{"type":"(update_device_status|update_queue|update_subagent_state)"/;
/** By which the server asks us; their `request_id` is its own. */
const asking: ReadonlySet<string> = new Set(["control_request", "external_tool_call_request"]);
/** Longer than the start of such a frame. */
const startLength = 64;

/** Makes of what comes over the socket what is in use; the rest is counted and let pass. */
export class FrameReader {
  readonly #maxBytes: number;
  readonly #ignored: Record<Ignored, number> = { uninteresting: 0, unreadable: 0, mistyped: 0, oversized: 0 };

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get ignored(): Readonly<Record<Ignored, number>> {
    return this.#ignored;
  }

  read(data: RawData, isBinary: boolean): Incoming | undefined {
    if (isBinary || !Buffer.isBuffer(data)) return this.#ignore("unreadable");
    if (data.length > this.#maxBytes) return this.#ignore("oversized");
    if (uninteresting.test(data.toString("latin1", 0, startLength))) return this.#ignore("uninteresting");
    let value: unknown;
    try {
      value = JSON.parse(data.toString("utf8"));
    } catch {
      return this.#ignore("unreadable");
    }
    if (typeof value !== "object" || value === null) return this.#ignore("unreadable");
    return this.#classify(value);
  }

  #classify(value: object): Incoming | undefined {
    const type: unknown = Reflect.get(value, "type");
    if (typeof type !== "string") return this.#ignore("mistyped");
    const answered = asking.has(type) ? undefined : reply.safeParse(value).data;
    if (runtimeFrameTypes.has(type)) {
      const frame = runtimeFrame.safeParse(value);
      if (!frame.success) return answered === undefined ? this.#ignore("mistyped") : { kind: "reply", reply: answered };
      return { kind: "runtime", frame: frame.data, ...(answered === undefined ? {} : { reply: answered }) };
    }
    return answered === undefined ? this.#ignore("uninteresting") : { kind: "reply", reply: answered };
  }

  #ignore(why: Ignored): undefined {
    this.#ignored[why] += 1;
    return undefined;
  }
}
