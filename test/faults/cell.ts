import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { agentLocalpart, agentUserId } from "../../src/machines/addresses.ts";
import { type Kill, nothingNoted, type Resident, type RoomEvidence } from "../crash/evidence.ts";
import { judgeRooms, type LawName } from "../crash/laws.ts";
import { bodyOf, type SentMessage } from "../crash/messages.ts";
import { viewOf } from "../crash/timeline.ts";
import type { FaultName } from "./fault-names.ts";
import { type Cell, phaseOf } from "./matrix.ts";
import type { Phase, Subject } from "./phase.ts";
import type { World } from "./world.ts";

/** A request that the fault has spoilt. */
export interface Hit {
  readonly at: number;
  /** What the charts were doing. */
  readonly state: string;
}

export interface CellResult {
  readonly cell: Cell;
  /** The user of its agent; missing where it never had one. */
  readonly userId: string | undefined;
  readonly hits: readonly Hit[];
  /** How the question ended that was asked while the fault was there, or first thing after it. */
  readonly outcome: "answer" | "error" | "none";
  /** What is not as it has to be; empty where all is well. */
  readonly problems: readonly string[];
  readonly tookMs: number;
}

const member = z.object({ membership: z.string() });
const created = z.object({ room_id: z.string() });
const devices = z.object({ devices: z.array(z.object({ device_id: z.string() })) });

/** An answer that comes without a draft is sent; whether one does is a matter of time. */
const mostQuestions = 8;
const lookEvery = 25;
/** Letta's word that it does not want us: the person is told so. */
const refusals: ReadonlySet<FaultName> = new Set(["401", "403"]);
/** A second look finds what comes late, ms. */
const settling = 300;

export interface CellOptions {
  /** Nobody else's in this world. */
  readonly name: string;
  /** How often the fault happens in a row, if it is met so often. */
  readonly times: number;
  /** What each step may take, ms. */
  readonly restWithin?: number;
}

class TooLate extends Error {
  override readonly name = "TooLate";
}

/** Lets the fault happen to an agent of its own while that phase is under way, and judges what people see. */
export class CellRun {
  readonly #world: World;
  readonly #cell: Cell;
  readonly #phase: Phase;
  /** How often the fault happens in a row, if it is met so often. */
  readonly #times: number;
  readonly #name: string;
  readonly #restWithin: number;
  readonly #hits: Hit[] = [];
  readonly #messages: SentMessage[] = [];
  readonly #word: string;
  readonly #lifts: (() => void)[] = [];
  readonly #mayGoOn = Promise.withResolvers<void>();
  #subject: Subject | undefined;
  /** Where people talk with it. */
  #roomId = "";

  constructor(world: World, cell: Cell, { name, times, restWithin = 60_000 }: CellOptions) {
    this.#world = world;
    this.#cell = cell;
    this.#phase = phaseOf(cell);
    this.#times = times;
    this.#name = name;
    this.#word = `word-${name}`;
    this.#restWithin = restWithin;
  }

  async run(): Promise<CellResult> {
    const began = performance.now();
    const problems: string[] = [];
    try {
      await this.#happen();
    } catch (error) {
      if (!(error instanceof TooLate)) throw error;
      problems.push(error.message);
    } finally {
      this.#mayGoOn.resolve();
      for (const lift of this.#lifts) lift();
    }
    await sleep(settling);
    problems.push(...this.#proof(), ...(await this.#judge()));
    const outcome = await this.#outcome();
    const tookMs = performance.now() - began;
    return { cell: this.#cell, userId: this.#subject?.userId, hits: this.#hits, outcome, problems, tookMs };
  }

  async #happen(): Promise<void> {
    const { product, letta, ada, synapse } = this.#world;
    const { happens, chancy = false, losesTurns = false, directives = "" } = this.#phase;
    const agentId = await letta.newAgent(`Agent ${this.#name}`, `I am ${this.#name}. SECRET-WORD: ${this.#word}`);
    const userId = agentUserId(synapse.serverName, agentId);
    this.#subject = { agentId, localpart: agentLocalpart(agentId), userId, name: this.#name };
    if (happens === "at first") this.#lieInWait();
    await product.listNow();
    this.#roomId = await this.#until("the agent has a room and listens", () => product.homeOf(agentId));
    await ada.join(this.#roomId);
    if (happens === "later") this.#lieInWait();
    await this.#bring();
    if (!chancy) await this.#until("the fault happens", () => (this.#hits.length > 0 ? true : undefined));
    await this.#rest();
    // Where nothing was to be had by trying again, the next question meets the fault.
    const isAsked = (): boolean => this.#messages.length < mostQuestions && this.#hits.length < this.#times;
    while ((chancy || losesTurns) && isAsked()) {
      await this.#ask(directives);
      await this.#rest();
    }
    await this.#ask("");
    await this.#rest();
  }

  /** Has the phase begin that comes later, and people ask something meanwhile. */
  async #bring(): Promise<void> {
    const { held, broughtBy, directives = "" } = this.#phase;
    if (broughtBy === "ended sessions") await this.#endSessions();
    if (broughtBy === "an invitation") this.#roomId = await this.#guestRoom();
    if (broughtBy === "a look back") await this.#world.product.lookBack(this.#known().agentId);
    if (held) {
      await this.#until("a poll has begun", () => (this.#hits.length > 0 ? true : undefined));
      await this.#ask(directives);
    }
    await this.#ask(directives);
    this.#mayGoOn.resolve();
  }

  async #endSessions(): Promise<void> {
    const ended = (await this.#sessions()).map(({ device_id }) => device_id);
    await this.#world.admin.request("POST", `${this.#account()}/delete_devices`, { devices: ended });
  }

  async #sessions() {
    return devices.parse(await this.#world.admin.request("GET", `${this.#account()}/devices`)).devices;
  }

  #account(): string {
    return `/_synapse/admin/v2/users/${encodeURIComponent(this.#known().userId)}`;
  }

  /** A person's own room, which the agent has joined. */
  async #guestRoom(): Promise<string> {
    const { adasClient } = this.#world;
    const { userId } = this.#known();
    const answer = await adasClient.request("POST", "/createRoom", { preset: "private_chat", invite: [userId] });
    const roomId = created.parse(answer).room_id;
    await this.#until("the agent has joined the room it was invited into", async () => {
      const { membership } = member.parse(await adasClient.state(roomId, "m.room.member", userId));
      return membership === "join" ? true : undefined;
    });
    return roomId;
  }

  #lieInWait(): void {
    const lift = this.#phase.layFor({
      world: this.#world,
      subject: this.#known(),
      fault: this.#cell.fault,
      when: this.#phase.held ? this.#mayGoOn.promise : Promise.resolve(),
      take: () => {
        const isDue = this.#hits.length < this.#times;
        if (isDue) this.#hits.push({ at: Date.now(), state: this.#state() });
        return isDue;
      },
    });
    this.#lifts.push(lift);
  }

  async #ask(directives: string): Promise<void> {
    const { userId } = this.#known();
    const nonce = `${this.#name}-${this.#messages.length + 1}`;
    const planned = { nonce, agent: 0, person: 0, directives, silent: false, usesTool: false };
    const body = bodyOf(planned, nonce);
    const content = { msgtype: "m.text", body, "m.mentions": { user_ids: [userId] } };
    const eventId = await this.#world.ada.send(this.#roomId, nonce, content);
    this.#messages.push({ ...planned, roomId: this.#roomId, eventId });
  }

  /** Resolves when every question is answered, and the agent is at home with nothing to do. */
  async #rest(): Promise<void> {
    const { product } = this.#world;
    const { agentId } = this.#known();
    await this.#until("all is answered and at rest", () => {
      const answered = this.#messages.every(({ eventId }) => this.#world.isAnswered(eventId));
      const isIdle = product.conversationState(agentId, this.#roomId) === "idle";
      const isHome = product.homeOf(agentId) !== undefined && product.troublesOf(agentId).length === 0;
      return answered && isIdle && isHome ? true : undefined;
    });
  }

  /** The fault did happen, and while its phase was under way. */
  #proof(): string[] {
    const { during } = this.#phase;
    if (this.#hits.length === 0) return ["the fault has never happened"];
    return this.#hits
      .filter(({ state }) => !during.test(state))
      .map(({ state }) => `the fault happened while the agent was at ${state}, which is not ${this.#cell.phase}`);
  }

  async #judge(): Promise<string[]> {
    const evidence: RoomEvidence = {
      residents: [this.#resident()],
      messages: this.#messages,
      timelines: new Map([[this.#roomId, await this.#timeline()]]),
      kills: this.#phase.losesTurns ? this.#hits.map(asLostTurn) : [],
      askings: this.#world.model.calls(),
      ...nothingNoted,
    };
    const sessions = await this.#sessions().catch(() => []);
    return [
      ...judgeRooms(evidence)
        .filter(({ law }) => !this.#mayBreak(law))
        .map(({ law, nonce = "-", detail }) => `${law}: ${nonce}: ${detail}`),
      ...(sessions.length === 1 ? [] : [`the user has ${sessions.length} sessions`]),
    ];
  }

  #mayBreak(law: LawName): boolean {
    // The order is the homeserver's, whatever it says.
    if (law === "in-order") return this.#cell.fault === "reordered events";
    return (
      law === "error-only-after-approved-tool" && this.#phase.losesTurns === true && refusals.has(this.#cell.fault)
    );
  }

  async #outcome(): Promise<CellResult["outcome"]> {
    const [first] = this.#messages;
    const { endings } = viewOf(await this.#timeline(), this.#known().userId);
    return endings.find(({ cause }) => cause === first?.eventId)?.outcome ?? "none";
  }

  async #timeline() {
    return this.#roomId === "" ? [] : (await this.#world.ada.read(this.#roomId)).events;
  }

  #resident(): Resident {
    const { agentId, userId } = this.#known();
    return { agentId, userId, name: `Agent ${this.#name}`, word: this.#word, roomId: this.#roomId };
  }

  /** All that may keep it from being at rest. */
  #whereabouts(): string {
    const troubles = this.#world.product.troublesOf(this.#known().agentId);
    const unanswered = this.#messages.filter(({ eventId }) => !this.#world.isAnswered(eventId));
    return `${this.#state()} troubles=${troubles.join(",")} unanswered=${unanswered.length}/${this.#messages.length}`;
  }

  #state(): string {
    const { product } = this.#world;
    const { agentId } = this.#known();
    const conversation = product.conversationState(agentId, this.#roomId);
    return `${product.agentState(agentId)} conversation=${conversation} discovery=${product.discoveryState()}`;
  }

  #known(): Subject {
    if (this.#subject === undefined) throw new Error("the agent does not exist yet");
    return this.#subject;
  }

  async #until<T>(what: string, look: () => T | undefined | Promise<T | undefined>): Promise<T> {
    const deadline = performance.now() + this.#restWithin;
    for (;;) {
      const found = await look();
      if (found !== undefined) return found;
      if (performance.now() > deadline)
        throw new TooLate(`waited ${this.#restWithin} ms in vain until ${what}; it is at ${this.#whereabouts()}`);
      await sleep(lookEvery);
    }
  }
}

/** A turn that a fault has cost may be asked again. */
function asLostTurn({ at }: Hit): Kill {
  return { kind: "letta", boundary: "asked", eventId: undefined, at };
}
