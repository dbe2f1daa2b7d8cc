import { systemClock } from "../../../src/runtime/clock.ts";
import { EmbeddedHost } from "../../../src/runtime/embedded/host.ts";
import { openStore } from "../../../src/runtime/embedded/open.ts";
import { ReopeningHost } from "../../../src/runtime/embedded/reopening-host.ts";
import { ReopeningStore } from "../../../src/runtime/embedded/reopening-store.ts";
import { assertRoom } from "../../../src/runtime/embedded/store/room.ts";
import { courier, courierId, ledger, ledgerId } from "../laws/courier.ts";

export interface DeliveryOptions {
  readonly folder: string;
  /** Each courier gets so many. */
  readonly parcels: number;
  /** Bytes that must be free before the store is opened again. */
  readonly room: number;
  /** Called before a courier is given a parcel, for the first time. */
  readonly beforeGiving?: (n: number, to: string) => Promise<void>;
  /** Called each time there was no room yet. */
  readonly onFull?: (tries: number) => Promise<void>;
}

export interface Delivered {
  /** Events that were refused, and given again. */
  readonly refused: number;
  /** Why, each once. */
  readonly reasons: readonly string[];
  readonly closed: number;
  readonly reopened: number;
  /** Times that there was no room yet. */
  readonly vain: number;
  /** By courier: the parcels that it took, and those that the ledger has, in order. */
  readonly taken: Readonly<Record<string, unknown>>;
  readonly lines: unknown;
  /** What was done outside under each name, in order of the first time. */
  readonly outside: readonly string[];
}

export const couriers = ["ann", "bob", "cat"].map(courierId);

/** Gives couriers their parcels on a disk that may be full, each until it is acknowledged, and waits for all deliveries. */
export async function deliverAll(options: DeliveryOptions): Promise<Delivered> {
  const { folder, parcels, room, beforeGiving, onFull } = options;
  const outside = new Set<string>();
  const tally = { refused: 0, closed: 0, reopened: 0, vain: 0 };
  const reasons = new Set<string>();
  const lost = Promise.withResolvers<never>();
  const store = await ReopeningStore.open({
    open: (onFailure) => openStore(folder, onFailure),
    async assertRoom() {
      try {
        await assertRoom(`${folder}.probe`, room);
      } catch (error) {
        await onFull?.(++tally.vain);
        throw error;
      }
    },
    clock: systemClock,
    backoff: { minBackoff: 20, maxBackoff: 100 },
    onClosed: () => void tally.closed++,
    onReopened: () => void tally.reopened++,
    onLost: lost.reject,
  });
  const effects = {
    async deliver({ n }: { readonly n: number }, { self }: { readonly self: string }) {
      outside.add(`deliver ${self} ${n}`);
      return { n };
    },
    async receipt({ n }: { readonly n: number }, { self }: { readonly self: string }) {
      outside.add(`receipt ${self} ${n}`);
    },
  };
  const host = new ReopeningHost(
    store,
    (opened) =>
      new EmbeddedHost({
        store: opened,
        clock: systemClock,
        jitterSeed: "full disk",
        behaviours: [courier(effects), ledger()],
      }),
  );
  await host.start();

  const give = async (n: number, to: (typeof couriers)[number]): Promise<void> => {
    for (;;) {
      try {
        return await host.accept(to, { type: "PARCEL", n }, { id: `parcel ${n}` });
      } catch (error) {
        tally.refused++;
        reasons.add(String(error));
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    }
  };
  const giveAll = Promise.all(
    couriers.map(async (to) => {
      for (let n = 0; n < parcels; n++) {
        await beforeGiving?.(n, to);
        await give(n, to);
      }
    }),
  );
  await Promise.race([giveAll, lost.promise]);

  const home = (): boolean => {
    if (store.unavailable !== undefined) return false;
    const ledgerLines = host.read(ledgerId)?.context["lines"];
    return Array.isArray(ledgerLines) && ledgerLines.length === parcels * couriers.length;
  };
  while (!home()) await Promise.race([new Promise((resolve) => setTimeout(resolve, 10)), lost.promise]);
  await host.drain(5_000);
  await store.close();
  return { ...tally, reasons: [...reasons], ...(await read(folder)), outside: [...outside] };
}

/** What the store holds at the end, as another process finds it. */
async function read(folder: string): Promise<Pick<Delivered, "taken" | "lines">> {
  const { store, close } = await openStore(folder, () => undefined, { create: false });
  const host = new EmbeddedHost({ store, clock: systemClock, jitterSeed: "", behaviours: [] });
  const taken = Object.fromEntries(couriers.map((id) => [id, host.read(id)?.context["taken"]]));
  const lines = host.read(ledgerId)?.context["lines"];
  await close();
  return { taken, lines };
}
