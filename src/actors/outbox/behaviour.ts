import { roomOf, userOf } from "../../machines/addresses.ts";
import { outboxMachine } from "../../machines/outbox.ts";
import { type Behaviour, defineBehaviour } from "../../runtime/behaviour.ts";
import { type CarryOutDependencies, carryOut } from "./carry-out.ts";

export function outboxBehaviour(dependencies: CarryOutDependencies): Behaviour {
  return defineBehaviour({
    machine: outboxMachine,
    input: (id) => ({ userId: userOf(id), roomId: roomOf(id) }),
    children: { carryOut: carryOut(dependencies) },
    backoffDelays: ["retry"],
  });
}
