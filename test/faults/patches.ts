import type { Patch } from "../crash/patches.ts";
import type { FaultName } from "./fault-names.ts";
import type { PhaseName } from "./matrix.ts";

/** A defect that somebody could build into the product, and the cell that has to find it. */
export interface Defect extends Pick<Patch, "name" | "file" | "replacements"> {
  readonly phase: PhaseName;
  readonly fault: FaultName;
  /** What the run says of it. */
  readonly found: RegExp;
}

export const defects: readonly Defect[] = [
  {
    name: "new-transaction-id-after-a-time-out",
    file: "matrix/transaction-id.ts",
    replacements: [["name.cause, name.part])", "name.cause, name.part, Math.random()])"]],
    phase: "send",
    fault: "time-out after it is stored",
    found: /answered-once: .* it has \d finals/,
  },
  {
    name: "5xx-taken-for-no-such-room",
    file: "matrix/failure.ts",
    replacements: [
      [
        'if (status >= 500 || status === 408) return "unreachable";',
        'if (status >= 500 || status === 408) return "missing";',
      ],
    ],
    phase: "join",
    fault: "500 with HTML",
    found: /in vain until the agent has joined the room it was invited into/,
  },
  {
    name: "lost-connection-taken-for-the-end-of-the-turn",
    file: "letta/app-server/turn.ts",
    replacements: [["this.queue.fail(error);", 'this.queue.push({ type: "end", stopReason: "end_turn" });']],
    phase: "stream (App Server)",
    fault: "cut in the body",
    found: /error-only-after-approved-tool: .* ended its turn without a word/,
  },
  {
    name: "new-device-at-each-login",
    file: "matrix/device-id.ts",
    replacements: [['.digest("hex")', '.update(String(Math.random())).digest("hex")']],
    phase: "login",
    fault: "time-out after it is stored",
    found: /the user has \d sessions/,
  },
  {
    name: "room-without-its-alias",
    file: "matrix/client.ts",
    replacements: [["          room_alias_name: request.aliasLocalpart,\n", ""]],
    phase: "create room",
    fault: "time-out after it is stored",
    found: /has made \d rooms, not one/,
  },
];

/** A defect in what a full disk comes to, and what people see of it. */
export interface FullDiskDefect extends Pick<Patch, "name" | "file" | "replacements"> {
  readonly found: readonly RegExp[];
}

export const fullDiskDefects: readonly FullDiskDefect[] = [
  {
    name: "acknowledged-although-it-was-not-written",
    file: "runtime/embedded/store.ts",
    replacements: [["        this.#fail(group, cause);\n", "        for (const { resolve } of group) resolve();\n"]],
    found: [/in vain for status to say that the store is closed/, /^after-.* has 0 answers$/],
  },
];
