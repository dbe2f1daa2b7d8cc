import { Actor, type AnyActorRef, type AnyMachineSnapshot } from "xstate";
import { z } from "zod";
import { type ActorId, isActorId } from "./actor-id.ts";
import { runtimeActions } from "./behaviour.ts";
import type { RawAction } from "./inert.ts";
import { jittered } from "./jitter.ts";
import { assertPlainJson } from "./json.ts";
import {
  type ActorEvent,
  type ActorRecord,
  actorEvent,
  type ChildRecord,
  recordFormat,
  type TimerRecord,
} from "./record.ts";
import { historyOf, orderOf } from "./snapshot.ts";
import type { ChildStart, EffectStart, Reply, Step, StepInput, Stimulus, Tell } from "./step.ts";
import { UnsupportedChart } from "./unsupported.ts";

/** XState's built-in actions, as a transition gives them out. */
const rawRaise = z.object({ event: actorEvent, id: z.string().optional(), delay: z.number().optional() });
const rawCancel = z.object({ sendId: z.string() });
const rawSpawn = z.object({
  /** As the chart gives it: a function that makes the id, or what that made. */
  id: z.unknown(),
  actorRef: z.instanceof(Actor),
  src: z.string(),
  input: z.unknown(),
  systemId: z.undefined().optional(),
});
const rawStop = z.object({ id: z.string() }).optional();
const rawSendTo = z.object({
  to: z.custom<AnyActorRef>((value) => typeof value === "object" && value !== null && "id" in value),
  event: actorEvent,
  id: z.string().optional(),
  delay: z.number().optional(),
});

/** The runtime's own actions. */
const tell = z.object({
  to: z.custom<ActorId>(isActorId, "not an actor id"),
  event: actorEvent,
  id: z.string().exactOptional(),
});
const tells = z.union([tell.transform((one) => [one]), z.array(tell)]);
const oneReply = z.object({ to: z.string(), value: z.unknown() });
const replies = z.union([oneReply.transform((one) => [one]), z.array(oneReply)]);

/** Gathers what one transition asks for, and keeps children and timers as the next record will hold them. */
export class StepDraft {
  readonly #input: StepInput;
  readonly #event: string;
  readonly #children: Map<string, ChildRecord>;
  readonly #timers: Map<string, TimerRecord>;
  /** What `spawnChild` and `invoke` made; any other new child was spawned inside `assign`. */
  readonly #spawned = new Set<AnyActorRef>();
  readonly #starts: ChildStart[] = [];
  #effects: EffectStart[] = [];
  readonly #ended: number[] = [];
  readonly #tells: Tell[] = [];
  readonly #replies: Reply[] = [];
  #generation: number;

  constructor(input: StepInput, event: string) {
    this.#input = input;
    this.#event = event;
    this.#children = new Map(Object.entries(input.record?.children ?? {}));
    this.#timers = new Map(Object.entries(timersAsOf(input)));
    this.#generation = input.record?.generation ?? 0;
  }

  /** Takes the timer or the child's result out of what is still to come. */
  consume(stimulus: Stimulus): void {
    if (stimulus.kind === "timer") this.#timers.delete(stimulus.timer);
    if (stimulus.kind === "done" || stimulus.kind === "error") {
      const child = this.#children.get(stimulus.child);
      if (child !== undefined) this.#children.set(stimulus.child, { ...child, finished: true });
      this.#dropTimersTo(stimulus.child);
      this.#ended.push(stimulus.generation);
    }
  }

  apply(actions: readonly RawAction[], self: AnyActorRef): void {
    for (const action of startsBeforeSends(actions)) this.#apply(action, self);
  }

  #apply({ type, params, exec }: RawAction, self: AnyActorRef): void {
    const named = this.#input.behaviour.chart.implementations.actions[type];
    if (named !== undefined && named !== exec) this.#refuse(`action "${type}" is inline: give it another name`);
    switch (type) {
      case "xstate.raise":
        return this.#raise(params);
      case "xstate.cancel":
        this.#timers.delete(this.#parse(rawCancel, params, type).sendId);
        return;
      case "xstate.spawnChild":
        return this.#spawn(params);
      case "xstate.stopChild":
        return this.#stop(params);
      case "xstate.sendTo":
        return this.#sendTo(params, self);
      case "tell":
        return this.#tell(params);
      case "reply":
        return this.#reply(params);
      default:
        return this.#custom(type, params);
    }
  }

  #raise(params: unknown): void {
    const { event, id, delay } = this.#parse(rawRaise, params, "raise");
    if (delay === undefined && id === undefined) return;
    this.#setTimer("raise", id, delay, { event });
  }

  #spawn(params: unknown): void {
    const { id: asked, actorRef, src, input } = this.#parse(rawSpawn, params, "spawnChild (src a name)");
    if (asked === undefined) this.#refuse(`spawnChild "${src}" needs an id: results are matched by it`);
    if (Reflect.get(actorRef.options, "syncSnapshot") === true) this.#refuse(`spawnChild "${src}": syncSnapshot`);
    const { id } = actorRef;
    const known = this.#children.get(id);
    if (known !== undefined && !known.finished)
      this.#refuse(`child "${id}" is already running: stop it first, or give the new one another id`);
    assertPlainJson(input, `input of "${src}"`);
    this.#spawned.add(actorRef);
    const generation = ++this.#generation;
    this.#children.set(id, { src, generation, ...(input !== undefined && { input }) });
    this.#starts.push({ kind: "child", name: src, child: id, generation, input });
  }

  #stop(params: unknown): void {
    const id = this.#parse(rawStop, params, "stopChild")?.id;
    const child = id === undefined ? undefined : this.#children.get(id);
    if (id === undefined || child === undefined) return;
    this.#children.delete(id);
    this.#dropTimersTo(id);
    const { generation, finished } = child;
    const notStarted = this.#starts.findIndex((start) => start.generation === generation);
    if (notStarted >= 0) {
      this.#starts.splice(notStarted, 1);
      this.#effects = this.#effects.filter((effect) => effect.kind !== "send" || effect.generation !== generation);
    } else if (!finished) this.#ended.push(generation);
  }

  #sendTo(params: unknown, self: AnyActorRef): void {
    const { to, event, id, delay } = this.#parse(rawSendTo, params, "sendTo");
    if (to === self) this.#refuse("sendTo without a known child as its target (to the actor itself, use raise)");
    if (!this.#children.has(to.id)) this.#refuse(`sendTo "${to.id}", which is not a child of this actor`);
    if (delay === undefined && id === undefined) return this.send(to.id, event);
    this.#setTimer("sendTo", id, delay, { event, child: to.id });
  }

  /** Sends an event to a child; nothing when that has ended. */
  send(child: string, event: ActorEvent): void {
    const known = this.#children.get(child);
    if (known === undefined || known.finished) return;
    assertPlainJson(event, `event "${event.type}"`);
    this.#effects.push({ kind: "send", child, generation: known.generation, event });
  }

  #setTimer(
    what: string,
    id: string | undefined,
    delay: number | undefined,
    timer: Pick<TimerRecord, "event" | "child">,
  ): void {
    if (id === undefined) this.#refuse(`a delayed ${what} needs an id`);
    if (delay === undefined) this.#refuse(`${what} "${id}" has no delay: it would happen at once`);
    if (this.#timers.has(id)) this.#refuse(`timer "${id}" is already pending: cancel it first`);
    assertPlainJson(timer.event, `event "${timer.event.type}"`);
    const { behaviour, id: actor, at, jitterSeed } = this.#input;
    const generation = ++this.#generation;
    const wait = behaviour.backoffTimers.has(id)
      ? jittered(delay, `${jitterSeed} ${actor} ${id} ${generation}`)
      : Math.max(0, delay);
    this.#timers.set(id, { due: at + wait, generation, ...timer });
  }

  /** Delayed events to a child that has ended go to nobody. */
  #dropTimersTo(child: string): void {
    for (const [id, timer] of this.#timers) if (timer.child === child) this.#timers.delete(id);
  }

  #tell(params: unknown): void {
    const parsed = this.#parse(tells, params, "tell");
    for (const { event } of parsed) assertPlainJson(event, `event "${event.type}"`);
    this.#tells.push(...parsed);
  }

  #reply(params: unknown): void {
    const parsed = this.#parse(replies, params, "reply");
    for (const { value } of parsed) assertPlainJson(value, "reply");
    this.#replies.push(...parsed);
  }

  #custom(name: string, params: unknown): void {
    if (this.#input.behaviour.actions[name] === undefined || runtimeActions.has(name))
      this.#refuse(`action "${name}" has no effect (inline, or a built-in that is not supported)`);
    assertPlainJson(params, `params of "${name}"`);
    this.#effects.push({ kind: "action", name, input: params });
  }

  finish(before: AnyMachineSnapshot | undefined, after: AnyMachineSnapshot, handled: boolean): Step {
    const { behaviour, id, record, at } = this.#input;
    for (const [child, ref] of Object.entries<AnyActorRef>(after.children))
      if (ref !== before?.children[child] && !this.#spawned.has(ref))
        this.#refuse(`child "${child}" was spawned inside assign: use spawnChild`);
    assertPlainJson(after.output, "output");
    const done = after.status === "done";
    const order = orderOf(after);
    const timers = done ? new Map<string, TimerRecord>() : this.#timers;
    return {
      record: {
        format: recordFormat,
        id,
        machine: behaviour.name,
        version: behaviour.version,
        value: after.value,
        context: after.context,
        status: done ? "done" : "active",
        ...(after.output !== undefined && { output: after.output }),
        history: historyOf(after),
        ...(order !== undefined && { order }),
        children: Object.fromEntries(this.#children),
        timers: Object.fromEntries(timers),
        revision: (record?.revision ?? 0) + 1,
        generation: this.#generation,
        at,
      },
      effects: [...this.#starts, ...this.#effects],
      ended: this.#ended,
      timers: timerChanges(record?.timers ?? {}, timers),
      tells: this.#tells,
      replies: this.#replies,
      event: this.#event,
      handled,
    };
  }

  #parse<T>(schema: z.ZodType<T>, params: unknown, what: string): T {
    const parsed = schema.safeParse(params);
    if (parsed.success) return parsed.data;
    return this.#refuse(`${what}: ${z.prettifyError(parsed.error)}`);
  }

  #refuse(feature: string): never {
    throw new UnsupportedChart(this.#input.behaviour.name, `on "${this.#event}"`, feature);
  }
}

/** An entry action's `sendTo` comes before the start of the child that the same state invokes. */
function startsBeforeSends(actions: readonly RawAction[]): readonly RawAction[] {
  const ordered: RawAction[] = [];
  for (const action of actions) {
    const ref = action.type === "xstate.spawnChild" ? Reflect.get(Object(action.params), "actorRef") : undefined;
    const send = ordered.findIndex(({ type, params }) => type === "xstate.sendTo" && Object(params).to === ref);
    if (ref === undefined || send < 0) ordered.push(action);
    else ordered.splice(send, 0, action);
  }
  return ordered;
}

/** Where somebody has set the clock back since the last step, the timers are as far off as they were then. */
function timersAsOf({ record, at }: StepInput): ActorRecord["timers"] {
  if (record === undefined || at >= record.at) return record?.timers ?? {};
  const back = record.at - at;
  return Object.fromEntries(
    Object.entries(record.timers).map(([id, timer]) => [id, { ...timer, due: timer.due - back }]),
  );
}

function timerChanges(before: ActorRecord["timers"], after: ReadonlyMap<string, TimerRecord>): Step["timers"] {
  const isNew = ([id, { generation }]: readonly [string, TimerRecord]) => before[id]?.generation !== generation;
  const set = [...after].filter(isNew).map(([id]) => id);
  const moved = [...after].filter((one) => !isNew(one) && before[one[0]]?.due !== one[1].due).map(([id]) => id);
  const cancel = Object.keys(before).filter((id) => after.get(id)?.generation !== before[id]?.generation);
  return { set, moved, cancel };
}
