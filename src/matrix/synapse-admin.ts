import { Method } from "matrix-js-sdk/lib/http-api/index.js";
import { z } from "zod";
import type { Remedies } from "./failure.ts";
import type { Call, MatrixApi } from "./matrix-api.ts";
import { path } from "./path.ts";
import { whoamiAnswer } from "./people.ts";
import { type Credentials, type HomeserverAdmin, MatrixError } from "./port.ts";

const nothing = z.unknown();
const v1 = "/_synapse/admin/v1";
const v2 = "/_synapse/admin/v2";

const remedies: Remedies = {
  forbidden: "Set homeserver.admin_token to the access token of a server administrator.",
  unsupported: "Let /_synapse/admin through to the homeserver, or leave homeserver.admin_token out.",
};

/** Synapse's admin API. */
export class SynapseAdmin implements HomeserverAdmin {
  readonly #api: MatrixApi;
  readonly #accessToken: string;

  /** `api` acts with the administrator's token. */
  constructor(api: MatrixApi, accessToken: string) {
    this.#api = api;
    this.#accessToken = accessToken;
  }

  async session(signal: AbortSignal): Promise<Credentials> {
    const call: Call = { action: "asking who the administrator is", method: Method.Get, path: "/account/whoami" };
    const { user_id: userId, device_id: deviceId } = await this.#call(call, whoamiAnswer, signal);
    return { userId, deviceId, accessToken: this.#accessToken };
  }

  async exists(userId: string, signal: AbortSignal): Promise<boolean> {
    try {
      const action = `looking for ${userId}`;
      await this.#call({ action, method: Method.Get, prefix: v2, path: path`/users/${userId}` }, nothing, signal);
      return true;
    } catch (error) {
      if (error instanceof MatrixError && error.kind === "missing") return false;
      throw error;
    }
  }

  liftRateLimits(userId: string, signal: AbortSignal): Promise<void> {
    const action = `lifting the rate limits of ${userId}`;
    return this.#post(action, path`/users/${userId}/override_ratelimit`, noLimits, signal);
  }

  resetPassword(userId: string, password: string, signal: AbortSignal): Promise<void> {
    const body = { new_password: password, logout_devices: true };
    return this.#post(`resetting the password of ${userId}`, path`/reset_password/${userId}`, body, signal);
  }

  makeRoomAdmin(roomId: string, userId: string, signal: AbortSignal): Promise<void> {
    const action = `giving ${userId} power in ${roomId}`;
    return this.#post(action, path`/rooms/${roomId}/make_room_admin`, { user_id: userId }, signal);
  }

  async #post(action: string, endpoint: string, body: object, signal: AbortSignal): Promise<void> {
    await this.#call({ action, method: Method.Post, prefix: v1, path: endpoint, body }, nothing, signal);
  }

  async #call<T>(call: Call, answer: z.ZodType<T>, signal: AbortSignal): Promise<T> {
    try {
      return await this.#api.call({ ...call, remedies }, answer, signal);
    } catch (error) {
      if (!(error instanceof MatrixError) || error.kind !== "token") throw error;
      throw error.as("forbidden", {
        remedy: "The administrator's access token is not valid any more: set homeserver.admin_token to a new one.",
      });
    }
  }
}

/** To Synapse 0 means none. */
const noLimits = { messages_per_second: 0, burst_count: 0 };
