import type { z } from "zod";
import type { Call, Caller } from "../matrix-api.ts";
import { MatrixError } from "../port.ts";

/** Whom an application service acts as; nobody for itself. */
export interface ActingAs {
  readonly userId?: string;
  /** By which the homeserver knows transaction ids again. */
  readonly deviceId?: string;
}

/** Calls of an application service as one of its users. Thousands of them share one connection and its token. */
export class ActingApi implements Caller {
  readonly #api: Caller;
  readonly #user: ActingAs;

  /** `api` asks with the application service's token. */
  constructor(api: Caller, user: ActingAs = {}) {
    this.#api = api;
    this.#user = user;
  }

  async call<T>(call: Call, answer: z.ZodType<T>, signal: AbortSignal): Promise<T> {
    const query = { ...call.query, user_id: this.#user.userId, device_id: this.#user.deviceId };
    try {
      return await this.#api.call({ ...call, query }, answer, signal);
    } catch (error) {
      throw error instanceof MatrixError ? asActing(error) : error;
    }
  }
}

const registrationRemedy =
  "Give the homeserver the registration that homeserver.appservice.registration_file names, and restart it; it is tried again.";

/** What a failure means for a user that has no session of its own: the kinds are those of the port all the same. */
function asActing(error: MatrixError): MatrixError {
  const { kind, message, httpStatus, errcode } = error;
  // Its device, or the user itself, is gone: to log in makes both again.
  if (errcode === "M_UNKNOWN_DEVICE" || (httpStatus === 403 && /not registered this user/i.test(message)))
    return error.as("token", { remedy: "Wait: it is made again by itself." });
  // It is about the application service, and so about everybody: to log in again would change nothing.
  if (kind === "token")
    return error.as("unreachable", {
      message: `${message}: the homeserver does not know our as_token`,
      remedy: registrationRemedy,
    });
  if (errcode === "M_EXCLUSIVE" || (httpStatus === 403 && /cannot masquerade/i.test(message)))
    return error.as(kind, {
      remedy:
        "Its user ids are not in the registration's namespaces: make the registration anew, and restart the homeserver.",
    });
  return error;
}
