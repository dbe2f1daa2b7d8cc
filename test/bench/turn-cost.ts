import { fork } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { ClientServerHomeserver } from "../../src/matrix/client-server.ts";
import type { MatrixClient } from "../../src/matrix/port.ts";
import { startSynapse } from "../servers/synapse.ts";
import type { Figure } from "./figures.ts";

export interface TurnCostOptions {
  /** The two take turns this many times. */
  readonly rounds: number;
  /** Messages in each round. */
  readonly messages: number;
}

/** What a subject is told: where the homeserver is, and whom it serves. */
export const subjectTask = z.object({
  baseUrl: z.string(),
  serverName: z.string(),
  secret: z.string(),
  dataFolder: z.string(),
  human: z.string(),
  /** Where programs may call, if they are to. */
  apiPort: z.number().exactOptional(),
  /** Where the homeserver pushes to, and by what the two know each other; left out where the subject polls. */
  pushes: z.object({ id: z.string(), asToken: z.string(), hsToken: z.string(), listen: z.string() }).exactOptional(),
});

export type SubjectTask = z.infer<typeof subjectTask>;

/** What a subject says: the room it answers in, and when asked, the CPU time it has used so far. */
export const subjectReport = z.union([z.object({ roomId: z.string() }), z.object({ cpuMs: z.number() })]);

const agentAnswer = z.object({ "io.letta_matrix.turn": z.object({ cause: z.string(), final: z.literal(true) }) });

/**
 * CPU time of the process for one turn (question in, Letta asked, read receipt, answer out), beside a raw loop
 * that makes the same requests and writes nothing down. Letta's part is an instant stand-in inside both.
 */
export async function turnCost({ rounds, messages }: TurnCostOptions): Promise<Figure[]> {
  const folder = await mkdtemp(join(tmpdir(), "letta-matrix-bench-"));
  const synapse = await startSynapse({ dir: join(folder, "synapse"), rateLimits: "lifted" });
  const secret = synapse.registrationSharedSecret;
  const homeserver = new ClientServerHomeserver({ ...synapse, registration: { kind: "shared-secret", secret } });
  const subjects: Subject[] = [];
  try {
    const signal = AbortSignal.timeout(600_000);
    const account = { localpart: "anna", password: "only-for-this-bench", deviceId: "ANNA" };
    const human = homeserver.as(await homeserver.register(account, signal));
    for (const name of ["app", "raw"] as const) {
      const { baseUrl, serverName } = synapse;
      const task = { baseUrl, serverName, secret, dataFolder: join(folder, name), human: human.userId };
      subjects.push(await Subject.start(name, task));
    }
    for (const subject of subjects) await human.join(subject.roomId, signal);
    const used = new Map<Subject, number>();
    for (const subject of subjects) await converse(human, subject.roomId, "warm-up", messages, signal);
    for (let round = 0; round < rounds; round++)
      for (const subject of subjects) {
        const before = await subject.cpuMs();
        await converse(human, subject.roomId, `round-${round}`, messages, signal);
        used.set(subject, (used.get(subject) ?? 0) + (await subject.cpuMs()) - before);
      }
    const [app = Number.NaN, raw = Number.NaN] = subjects.map(
      (subject) => (used.get(subject) ?? 0) / rounds / messages,
    );
    return [
      {
        name: `CPU of one turn, over ${rounds * messages} turns`,
        unit: "ms",
        value: app,
        baseline: { name: "raw loop, same requests", value: raw },
        moreIsBetter: false,
      },
    ];
  } finally {
    for (const subject of subjects) subject.stop();
    homeserver.close();
    await synapse.stop();
    await rm(folder, { recursive: true });
  }
}

export class Subject {
  readonly roomId: string;
  readonly #process: ReturnType<typeof fork>;

  private constructor(process: ReturnType<typeof fork>, roomId: string) {
    this.#process = process;
    this.roomId = roomId;
  }

  static async start(name: "app" | "raw" | "pushed-app" | "pushed-raw", task: SubjectTask): Promise<Subject> {
    const child = fork(new URL(`./subjects/${name}.ts`, import.meta.url), {
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    const ready = nextReport(child);
    child.send(task);
    const report = await ready;
    if (!("roomId" in report)) throw new Error(`the ${name} subject did not say its room`);
    return new Subject(child, report.roomId);
  }

  async cpuMs(): Promise<number> {
    const answer = nextReport(this.#process);
    this.#process.send("cpu");
    const report = await answer;
    if (!("cpuMs" in report)) throw new Error("the subject did not say its CPU time");
    return report.cpuMs;
  }

  stop(): void {
    this.#process.kill("SIGKILL");
  }
}

function nextReport(child: ReturnType<typeof fork>): Promise<z.infer<typeof subjectReport>> {
  return new Promise((resolve, reject) => {
    const ended = (code: number | null) => reject(new Error(`a subject ended with ${code}`));
    child.once("exit", ended);
    child.once("message", (message) => {
      child.off("exit", ended);
      resolve(subjectReport.parse(message));
    });
  });
}

/** Sends the messages one after the other, each when the one before has its final answer. */
export async function converse(
  human: MatrixClient,
  roomId: string,
  name: string,
  messages: number,
  signal: AbortSignal,
) {
  const filter = { timelineTypes: ["m.room.message"], timelineLimit: 50, stateTypes: [], notSenders: [human.userId] };
  let since = (await human.sync({ timeoutMs: 0, filter }, signal)).nextBatch;
  for (let n = 0; n < messages; n++) {
    const content = { msgtype: "m.text", body: `Message ${n} of ${name}` };
    const cause = await human.send(roomId, "m.room.message", `${name}-${roomId}-${n}`, content, signal);
    for (let answered = false; !answered; ) {
      const response = await human.sync({ since, timeoutMs: 30_000, filter }, signal);
      since = response.nextBatch;
      answered = response.joined.some(({ timeline }) =>
        timeline.some(({ content }) => agentAnswer.safeParse(content).data?.["io.letta_matrix.turn"].cause === cause),
      );
    }
  }
}
