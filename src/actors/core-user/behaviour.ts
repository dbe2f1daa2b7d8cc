import { userOf } from "../../machines/addresses.ts";
import { coreUserMachine } from "../../machines/core-user.ts";
import { type Behaviour, defineBehaviour } from "../../runtime/behaviour.ts";
import { ensureUser } from "./account.ts";
import { follow } from "./follow.ts";
import type { CoreUserOptions } from "./options.ts";

export function coreUserBehaviour(options: CoreUserOptions): Behaviour {
  return defineBehaviour({
    machine: coreUserMachine,
    input: (id) => ({ userId: userOf(id) }),
    children: { ensureUser: ensureUser(options), follow: follow(options) },
    backoffDelays: ["retry"],
  });
}
