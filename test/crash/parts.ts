import { type TransportKind, transportKinds } from "../servers/transports.ts";
import type { Tools } from "./boundaries.ts";
import { homeserverKinds } from "./homeservers.ts";
import { lettaKinds } from "./lettas.ts";
import type { KillCounts } from "./plan.ts";
import type { ServerKinds } from "./world.ts";

/** A stretch of a run on servers of its own. */
export interface Part {
  readonly name: string;
  readonly kinds: Required<ServerKinds>;
  readonly tools: Tools;
  readonly seed: number;
  readonly counts: KillCounts;
  /** When it is to end, as a share of the whole time, once it has had its least kills. */
  readonly endsAt: number;
  readonly least: number;
}

export interface PartOptions {
  readonly seed: number;
  /** Of all kinds together. */
  readonly kills: number;
  /** So many of them are wanted, however long they take. */
  readonly least: number;
  readonly letta?: string | undefined;
  readonly homeserver?: string | undefined;
  readonly transport?: string | undefined;
}

interface Share {
  readonly name: string;
  readonly kinds: ServerKinds;
  /** Of all kills. */
  readonly share: number;
  readonly endsAt: number;
}

const mixed: readonly Share[] = [
  { name: "real servers", kinds: { letta: "real", homeserver: "real" }, share: 0.1, endsAt: 0.25 },
  { name: "real homeserver", kinds: { letta: "stand-in", homeserver: "real" }, share: 0.25, endsAt: 0.52 },
  { name: "stand-ins", kinds: { letta: "stand-in", homeserver: "synapse" }, share: 0.35, endsAt: 0.76 },
  { name: "stand-ins, Tuwunel", kinds: { letta: "stand-in", homeserver: "tuwunel" }, share: 0.15, endsAt: 0.88 },
  { name: "stand-ins, Dendrite", kinds: { letta: "stand-in", homeserver: "dendrite" }, share: 0.15, endsAt: 1 },
];

/** From here on what has gathered on the servers is most of a round. */
const mostKills = 100;

/** What of the whole run is done on which servers. Each part has a seed of its own, so that it can be done again alone. */
export function partsOf({ seed, kills, least, letta, homeserver, transport }: PartOptions): readonly Part[] {
  const isMixed = letta === undefined && homeserver === undefined;
  const named: Share = {
    name: "as named",
    kinds: { letta: kindOf("letta", lettaKinds, letta), homeserver: kindOf("homeserver", homeserverKinds, homeserver) },
    share: 1,
    endsAt: 1,
  };
  return (isMixed ? mixed : [named])
    .flatMap(({ share, ...part }) => {
      const own = Math.ceil(kills * share);
      const rounds = Math.ceil(own / mostKills);
      const each = { ...part, counts: countsOf(Math.ceil(own / rounds)), least: Math.ceil((least * share) / rounds) };
      return Array.from({ length: rounds }, () => each);
    })
    .map(({ kinds, ...part }, index) => {
      const own = seed + index;
      const turn = isMixed ? transportOf(own) : undefined;
      const by = transport === undefined && turn !== undefined ? turn : kindOf("transport", transportKinds, transport);
      return { ...part, kinds: { ...kinds, transport: by }, seed: own, tools: own % 2 === 0 ? "allowed" : "asked" };
    });
}

/** How to do a part again. */
export function commandOf({ seed, kinds: { letta, homeserver, transport }, counts }: Part): string {
  const kills = Object.values(counts).reduce((sum, count) => sum + count, 0);
  const servers = `--letta ${letta} --homeserver ${homeserver} --transport ${transport}`;
  return `node test/crash/main.ts --seed ${seed} --kills ${kills} ${servers}`;
}

/** The two take turns, by seeds: each homeserver has both, with tools allowed and asked about. */
function transportOf(seed: number): TransportKind {
  return transportKinds[Math.floor(seed / 2) % 2] ?? "client-server";
}

/** The product is killed more often than what it works with. */
function countsOf(kills: number): KillCounts {
  const others = Math.floor(kills * 0.15);
  return { "letta-matrix": kills - 3 * others, letta: others, synapse: others, all: others };
}

function kindOf<T extends string>(option: string, kinds: readonly [T, ...T[]], given: string | undefined): T {
  const kind = given === undefined ? kinds[0] : kinds.find((one) => one === given);
  if (kind === undefined) throw new Error(`--${option} must be one of ${kinds.join(", ")}, not "${given}"`);
  return kind;
}
