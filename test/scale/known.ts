import { stat } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { type Status, status } from "../../src/commands/status/schema.ts";
import { eventually } from "../e2e/eventually.ts";
import type { Reading } from "../soak/gauge.ts";
import { Finals } from "./finals.ts";
import { cpuMsOf, Installation } from "./installation.ts";
import type { Took } from "./report.ts";
import { sideBySide } from "./side-by-side.ts";

/** A program that has been started with so many agents that it knew already. */
export interface Started {
  readonly agents: number;
  /** Before the others were known, at rest. */
  readonly few: Reading;
  readonly fewAgents: number;
  /** From the program's start until it runs, is reached, and each agent has its room and hears. */
  readonly start: Took;
  /** Of these. */
  readonly ready: number;
  /** From then until all have looked back at what was said meanwhile. */
  readonly looks: Took;
  /** All of them idle after that. */
  readonly idle: Reading;
}

export interface Known extends Started {
  /** When something is pushed after that, they look back once more. */
  readonly again: Took;
  /** Nothing is said. */
  readonly quiet: Took & { readonly requests: number };
  readonly status: Took & { readonly bytes: number };
  readonly discovery: Took & { readonly listed: number };
  readonly talk?: Talk;
}

export interface Talk extends Took {
  readonly messages: number;
  /** Those that have not just one final. */
  readonly notOnce: number;
  /** Of all agents, who have all talked. */
  readonly idle: Reading;
  readonly status: Took;
}

export interface KnownOptions {
  readonly dir: string;
  readonly agents: number;
  /** Those that the program makes itself. */
  readonly made: number;
  readonly say: (line: string) => void;
}

const quietFor = 30_000;
/** No request for so long: nothing is under way. The poll that the program stays with the homeserver by takes longer. */
const still = 8_000;
/** After so long a rest the program takes pushing to be over, and has all look back once more. */
const restOfPushes = 25_000;
const peopleAtOnce = 16;
const patience = 3_600_000;

/** So many agents that one process knows, as an application service of the stand-in homeserver; `talks`: each is asked. */
export function measureKnown(options: KnownOptions & { readonly talks: boolean }): Promise<Known> {
  const { talks, say } = options;
  return startKnown(options, async (installation, started, shown) => {
    const again = await timed(installation, () => lookAgain(installation, shown));
    const quiet = await measureQuiet(installation);
    const asked = await timed(installation, async () => JSON.stringify(await statusOf(installation)).length);
    const found = await timed(installation, () => installation.discover());
    return {
      ...started,
      again: withoutStillness(again.took),
      quiet,
      status: { ...asked.took, bytes: asked.result },
      discovery: { ...found.took, listed: found.result },
      ...(talks && { talk: await talkWith(installation, shown, say) }),
    };
  });
}

/** Starts the program with so many agents that it knows, and lets them come to rest; `use` is what is done with it then. */
export async function startKnown<T>(
  { dir, agents, made, say }: KnownOptions,
  use: (installation: Installation, started: Started, shown: Status) => Promise<T>,
): Promise<T> {
  const installation = await Installation.build({ dir, agents: made, homeserver: "stand-in" });
  try {
    await installation.start();
    const areMade = async () => (await readyIn(installation)).ready === made || undefined;
    await eventually("the first agents", areMade, patience, 2_000);
    await untilStill(installation);
    const few = await installation.held();
    await installation.app.stop();
    say(`${made} agents were made; they are multiplied`);
    await installation.knowing(agents);
    say("the program starts");
    const start = await timed(installation, async () => {
      await installation.start();
      const isReady = async () => {
        const found = await readyIn(installation);
        return found.shown.transport?.reach === "reached" && found.ready === agents ? found : undefined;
      };
      return eventually("each agent to be ready", isReady, patience);
    });
    say("all look back at what was said");
    const looks = await timed(installation, () => untilStill(installation));
    const { ready, shown } = start.result;
    const started = { agents, few, fewAgents: made, start: start.took, ready, looks: withoutStillness(looks.took) };
    return await use(installation, { ...started, idle: await installation.held() }, shown);
  } finally {
    await installation.stop();
  }
}

async function talkWith(installation: Installation, { agents }: Status, say: (line: string) => void): Promise<Talk> {
  const { anna } = installation;
  const rooms = agents.flatMap(({ roomId }) => roomId ?? []);
  await sideBySide(rooms, peopleAtOnce, (roomId) => anna.join(roomId));
  await untilStill(installation);
  say("a message to each");
  const finals = new Finals(installation.journal);
  const questions: string[] = [];
  const { took } = await timed(installation, async () => {
    await sideBySide(rooms, peopleAtOnce, async (roomId, index) => {
      questions.push(await anna.say(roomId, `message-${index}`, `Hello, ${index}`));
    });
    await finals.of(questions, patience);
  });
  await untilStill(installation);
  const counts = await finals.counts();
  const notOnce = questions.filter((id) => counts.get(id) !== 1).length + (rooms.length - questions.length);
  const shown = await timed(installation, () => statusOf(installation));
  return { ...took, messages: rooms.length, notOnce, idle: await installation.held(), status: shown.took };
}

async function lookAgain(installation: Installation, { agents }: Status): Promise<void> {
  const [first] = agents;
  if (first?.roomId !== undefined) await installation.anna.join(first.roomId);
  await sleep(restOfPushes);
  await untilStill(installation);
}

function withoutStillness(took: Took): Took {
  return { ...took, ms: took.ms - still };
}

async function measureQuiet(installation: Installation): Promise<Known["quiet"]> {
  const begun = Date.now();
  const { took } = await timed(installation, () => sleep(quietFor));
  const requests = (await installation.homeserver.requests()).filter(({ at }) => at > begun);
  return { ...took, requests: requests.length };
}

function statusOf(installation: Installation): Promise<Status> {
  return installation.control.call("status", {}, status);
}

/** Those that have their room, and hear, or look back at what was said. */
async function readyIn(installation: Installation) {
  const found = await statusOf(installation);
  const hearing = new Set(["pushed", "catchingUp"]);
  const ready = found.agents.filter(
    ({ regions }) => regions["room"] === "ready" && hearing.has(regions["intake"] ?? ""),
  ).length;
  return { shown: found, ready };
}

async function timed<T>(installation: Installation, work: () => Promise<T>): Promise<{ took: Took; result: T }> {
  const { homeserver } = installation;
  const pid = await installation.pid().catch(() => undefined);
  const before = [pid === undefined ? 0 : await cpuMsOf(pid), await cpuMsOf(homeserver.pid)] as const;
  const begun = performance.now();
  const result = await work();
  const ms = performance.now() - begun;
  const program = (await cpuMsOf(await installation.pid())) - before[0];
  return { took: { ms, program, homeserver: (await cpuMsOf(homeserver.pid)) - before[1] }, result };
}

/** Resolves when no request has come for a while, but for the poll by which the program stays with the homeserver. */
async function untilStill({ accessLog }: Installation): Promise<void> {
  for (let before = -1; ; ) {
    const now = await sizeOf(accessLog);
    if (now === before) return;
    before = now;
    await sleep(still);
  }
}

async function sizeOf(file: string): Promise<number> {
  return (await stat(file)).size;
}
