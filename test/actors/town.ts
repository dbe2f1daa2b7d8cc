import type { Care } from "../../src/actors/care.ts";
import { Sessions } from "../../src/actors/sessions.ts";
import type { MatrixEvent } from "../../src/matrix/port.ts";
import { FakeHomeserver } from "../ports/fake-homeserver.ts";
import { FakeVault } from "../ports/fake-vault.ts";
import { SimulatedClock } from "../runtime/simulated-clock.ts";

const never = new AbortController().signal;

/** A homeserver with an agent that is logged in, and the agent's room in which a person is. */
export interface Town {
  readonly clock: SimulatedClock;
  readonly homeserver: FakeHomeserver;
  readonly vault: FakeVault;
  readonly sessions: Sessions;
  readonly userId: string;
  readonly roomId: string;
  /** The person says something in the agent's room. */
  say(body: string, rest?: Partial<MatrixEvent>): MatrixEvent;
}

export const anna = "@anna:test";

export async function town(): Promise<Town> {
  const clock = new SimulatedClock();
  const homeserver = new FakeHomeserver(clock);
  const vault = new FakeVault();
  const sessions = newSessions(homeserver, vault);
  await sessions.ensure("agent_1", "Scout", never);
  const userId = "@agent_1:test";
  const roomId = homeserver.makeRoom(userId);
  homeserver.setMember(roomId, anna, "join");
  return {
    clock,
    homeserver,
    vault,
    sessions,
    userId,
    roomId,
    say: (body, rest) => homeserver.post(roomId, { sender: anna, content: { msgtype: "m.text", body }, ...rest }),
  };
}

export function newSessions(homeserver: FakeHomeserver, vault: FakeVault, care?: Care): Sessions {
  return new Sessions(
    homeserver,
    vault,
    {
      passwordOf: (userId) => `secret-password-of-${userId}`,
      deviceIdOf: (userId) => `DEVICE-OF-${userId}`,
    },
    care,
  );
}
