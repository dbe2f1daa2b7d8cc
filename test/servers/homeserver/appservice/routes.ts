import { z } from "zod";
import { parsed, userIdIn } from "../accounts.ts";
import { Fault, forbidden, notFound } from "../fault.ts";
import type { Homeserver } from "../homeserver.ts";
import type { Asked, Route, Routes } from "../routing.ts";
import { newSession } from "../sessions.ts";
import { type Pusher, pingOf } from "./pusher.ts";
import type { Appservice } from "./registration.ts";

const registering = z.object({
  type: z.literal("m.login.application_service"),
  username: z.string(),
  inhibit_login: z.boolean().default(false),
  device_id: z.string().optional(),
});
const loggingIn = z.object({
  type: z.literal("m.login.application_service"),
  identifier: z.object({ type: z.literal("m.id.user"), user: z.string() }),
  device_id: z.string().optional(),
});

/** Whether a body of `/register` or `/login` is an application service's. */
export function isByAppservice({ body }: Asked): boolean {
  return body["type"] === "m.login.application_service";
}

/** How an application service makes its users. */
export function registerByAppservice(homeserver: Homeserver): Route {
  const { state } = homeserver;
  return (asked) => {
    const appservice = appserviceOf(homeserver, asked);
    const { username, inhibit_login, device_id } = parsed(registering, asked.body);
    const userId = userIdIn(homeserver, username);
    if (!appservice.covers(userId))
      throw new Fault(400, "M_EXCLUSIVE", "Invalid user localpart for this application service.");
    if (state.users.has(userId)) throw new Fault(400, "M_USER_IN_USE", "User ID already taken.");
    // Nobody can log in with that: it is no password's digest.
    state.commit({ what: "user", userId, password: "", admin: false, displayName: username });
    if (inhibit_login) return { user_id: userId, home_server: homeserver.serverName };
    return openSession(homeserver, userId, device_id);
  };
}

/** How it gets a session, and a device, for one of its users. */
export function logInByAppservice(homeserver: Homeserver): Route {
  return (asked) => {
    const appservice = appserviceOf(homeserver, asked);
    const { identifier, device_id } = parsed(loggingIn, asked.body);
    const userId = userIdIn(homeserver, identifier.user);
    if (!appservice.covers(userId) || !homeserver.state.users.has(userId)) throw forbidden("Invalid access_token");
    return openSession(homeserver, userId, device_id);
  };
}

/** What is for application services alone, and the devices, which only they make without logging in. */
export function appserviceRoutes(homeserver: Homeserver, pushers: ReadonlyMap<Appservice, Pusher>): Routes {
  const { state, appserviceOddities } = homeserver;
  const devices: Routes = {
    "PUT /v3/devices/:": (asked) => {
      const { userId, appservice } = homeserver.session(asked);
      const [deviceId = ""] = asked.ids;
      if (state.sessions.devicesOf(userId).includes(deviceId)) return {};
      if (appservice === undefined || !appserviceOddities.makesDevicesByPut) throw notFound("No such device");
      state.commit(newSession(userId, deviceId));
      return {};
    },
  };
  if (appserviceOddities.ping === "none") return devices;
  return {
    ...devices,
    "POST /v1/appservice/:/ping": async (asked) => {
      const { appservice } = homeserver.session(asked);
      if (appservice === undefined) throw forbidden("Only application services can use the /appservice/ping endpoint");
      if (appservice.registration.id !== asked.ids[0]) throw forbidden("Mismatching application service ID in path");
      const begun = performance.now();
      let response: Response;
      try {
        response = await pingOf(appservice, asked.body["transaction_id"]);
      } catch (error) {
        throw new Fault(502, "M_CONNECTION_FAILED", String(error));
      }
      const { status } = response;
      if (!response.ok) throw new Fault(502, "M_BAD_STATUS", `HTTP ${status}`, { status, body: await response.text() });
      const pusher = pushers.get(appservice);
      if (appserviceOddities.refusesPingWhileRetrying && pusher?.isRetrying === true)
        throw new Fault(502, "M_CONNECTION_FAILED", "AlreadyCalled: Tried to cancel an already-called event.");
      if (appserviceOddities.ping === "ends the wait") pusher?.pinged();
      return { duration_ms: Math.floor(performance.now() - begun) };
    },
  };
}

function appserviceOf(homeserver: Homeserver, { token }: Asked): Appservice {
  if (token === undefined) throw new Fault(401, "M_MISSING_TOKEN", "Missing access token");
  const appservice = homeserver.appservices.byToken(token);
  if (appservice === undefined) throw new Fault(401, "M_UNKNOWN_TOKEN", "Invalid access token passed.");
  return appservice;
}

function openSession(homeserver: Homeserver, userId: string, deviceId: string | undefined): object {
  const opened = newSession(userId, deviceId);
  homeserver.state.commit(opened);
  return {
    user_id: userId,
    access_token: opened.token,
    device_id: opened.deviceId,
    home_server: homeserver.serverName,
  };
}
