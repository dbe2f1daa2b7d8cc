import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { startAppServerStandIn } from "../servers/app-server/stand-in.ts";
import { startLetta } from "../servers/letta.ts";
import { lettaHaste, receiptWithinMs } from "../servers/letta-haste.ts";
import type { Model } from "../servers/model.ts";
import type { Killable } from "./killer.ts";

/** The Letta of a run: the real one, or its stand-in, which starts in no time. */
export const lettaKinds = ["stand-in", "real"] as const;
export type LettaKind = (typeof lettaKinds)[number];

export interface LettaHandle extends Killable {
  /** `ws://127.0.0.1:PORT/ws` */
  readonly url: string;
  readonly modelHandle: string;
  /** Where the tools of agents run. */
  readonly workDir: string;
  /** How long its clients wait for a receipt that it keeps to itself, ms. */
  readonly receiptWithinMs: number;
  stop(): Promise<void>;
}

/** How long the stand-in keeps a receipt to itself, ms: Letta's 30 s would be the most of a round. */
const leaseMs = 150;

/** Starts it in `dir`, with a time that runs faster from `epoch` on. */
export async function startLettaOf(kind: LettaKind, dir: string, model: Model, epoch: number): Promise<LettaHandle> {
  if (kind === "real") {
    const letta = await startLetta({ dir, model, env: { NODE_OPTIONS: lettaHaste(epoch) } });
    return { ...handleOf(letta), workDir: letta.workDir, receiptWithinMs };
  }
  const workDir = join(dir, "work");
  await mkdir(workDir, { recursive: true });
  const standIn = await startAppServerStandIn({ model, toolFolder: workDir, leaseMs, retryAfterMs: 100 });
  return { ...handleOf(standIn), workDir, receiptWithinMs: 2 * leaseMs };
}

type Common = Pick<LettaHandle, "url" | "modelHandle" | "kill" | "restart" | "stop">;

function handleOf({ url, modelHandle, kill, restart, stop }: Common): Common {
  return { url, modelHandle, kill, restart, stop };
}
