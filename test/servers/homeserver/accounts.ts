import { createHmac, hash, randomUUID } from "node:crypto";
import { z } from "zod";
import { isByAppservice, logInByAppservice, registerByAppservice } from "./appservice/routes.ts";
import { Fault, forbidden } from "./fault.ts";
import type { Homeserver } from "./homeserver.ts";
import type { Asked, Routes } from "./routing.ts";
import { newSession } from "./sessions.ts";
import type { User } from "./state.ts";

const newUser = z.object({
  username: z.string(),
  password: z.string(),
  device_id: z.string().optional(),
  displayname: z.string().optional(),
});
const bySecret = newUser.extend({ nonce: z.string(), mac: z.string(), admin: z.boolean().default(false) });
const byToken = newUser.extend({
  auth: z
    .object({ type: z.string().optional(), session: z.string().optional(), token: z.string().optional() })
    .optional(),
});
const login = z.object({
  type: z.literal("m.login.password"),
  identifier: z.object({ type: z.literal("m.id.user"), user: z.string() }),
  password: z.string(),
  device_id: z.string().optional(),
});

type NewUser = z.infer<typeof newUser>;

/** All come from the same address. */
const address = "127.0.0.1";
const tokenStage = "m.login.registration_token";

/** Users, their sessions, and how they come to both. */
export function accountRoutes(homeserver: Homeserver): Routes {
  const { state, oddities } = homeserver;
  const nonces = new Set<string>();
  /** Registrations under way, with the stages that are done. */
  const registering = new Map<string, Set<string>>();
  const userIdOf = (localpart: string): string => userIdIn(homeserver, localpart);
  const byAppservice = { register: registerByAppservice(homeserver), logIn: logInByAppservice(homeserver) };

  const refuseUnlessNew = ({ username, password }: NewUser): void => {
    if (!/^[a-z0-9._=/+-]+$/.test(username))
      throw new Fault(400, "M_INVALID_USERNAME", "User ID can only contain characters a-z, 0-9, or '=_-./+'");
    if (password.length < oddities.shortestPassword)
      throw new Fault(400, "M_WEAK_PASSWORD", `password too weak: min ${oddities.shortestPassword} chars`);
    if (homeserver.appservices.ownerOf(userIdOf(username)) !== undefined)
      throw new Fault(400, "M_EXCLUSIVE", "This user ID is reserved by an application service.");
    if (state.users.has(userIdOf(username))) throw new Fault(400, "M_USER_IN_USE", "User ID already taken.");
  };
  const shown = ({ userId, token, deviceId }: ReturnType<typeof newSession>): object => ({
    user_id: userId,
    access_token: token,
    device_id: deviceId,
    home_server: homeserver.serverName,
  });
  const register = (account: NewUser, admin: boolean, displayName: string): object => {
    const userId = userIdOf(account.username);
    const opened = newSession(userId, account.device_id);
    const named = `${displayName}${oddities.newNameSuffix}`;
    state.commit({ what: "user", userId, password: digest(account.password), admin, displayName: named }, opened);
    return shown(opened);
  };

  return {
    "GET /_synapse/admin/v1/register": () => {
      const nonce = randomUUID();
      nonces.add(nonce);
      return { nonce };
    },
    "POST /_synapse/admin/v1/register": ({ body }) => {
      const account = parsed(bySecret, body);
      if (!nonces.delete(account.nonce)) throw new Fault(400, "M_UNKNOWN", "unrecognised nonce");
      const said = [account.nonce, account.username, account.password, account.admin ? "admin" : "notadmin"].join("\0");
      const mac = createHmac("sha1", homeserver.registrationSharedSecret).update(said).digest("hex");
      if (mac !== account.mac) throw forbidden("HMAC incorrect");
      refuseUnlessNew(account);
      return register(account, account.admin, account.displayname ?? account.username);
    },
    "POST /v3/register": (asked) => {
      if (isByAppservice(asked)) return byAppservice.register(asked);
      const { body } = asked;
      const account = parsed(byToken, body);
      refuseUnlessNew(account);
      homeserver.limitAnybody("registration", address, { update: false });
      const id = account.auth?.session ?? randomUUID();
      const done = registering.get(id) ?? new Set();
      registering.set(id, done);
      const stages = oddities.registrationStages;
      const challenge = (more: object = {}): object => ({
        session: id,
        flows: [{ stages }],
        params: {},
        completed: [...done],
        ...more,
      });
      const { type, token } = account.auth ?? {};
      if (type === tokenStage && !state.registrationTokens.has(token ?? ""))
        throw new Unfinished(challenge({ errcode: "M_UNAUTHORIZED", error: "Invalid registration token" }));
      if (type !== undefined && stages.includes(type)) done.add(type);
      if (!stages.every((stage) => done.has(stage))) throw new Unfinished(challenge());
      homeserver.limitAnybody("registration", address);
      registering.delete(id);
      return register(account, false, account.username);
    },
    "GET /v1/register/m.login.registration_token/validity": ({ query }) => ({
      valid: state.registrationTokens.has(query.get("token") ?? ""),
    }),
    "GET /v3/login": () => ({
      flows: [{ type: "m.login.password" }, { type: "m.login.application_service" }],
    }),
    "POST /v3/login": (asked) => {
      if (isByAppservice(asked)) return byAppservice.logIn(asked);
      const { body } = asked;
      const { identifier, password, device_id } = parsed(login, body);
      const userId = identifier.user.startsWith("@") ? identifier.user : userIdOf(identifier.user.toLowerCase());
      homeserver.limitAnybody("loginByAddress", address);
      homeserver.limitAnybody("failedLogin", userId, { update: false });
      const user = state.users.get(userId);
      if (user?.password !== digest(password)) {
        homeserver.limitAnybody("failedLogin", userId);
        throw forbidden("Invalid username or password");
      }
      homeserver.limitAnybody("loginByAccount", userId);
      const opened = newSession(userId, device_id);
      state.commit(opened);
      return shown(opened);
    },
    "POST /v3/logout": (asked) => {
      const { userId, deviceId, token, appservice } = homeserver.session(asked);
      const own = state.sessions.of(userId).find((session) => session.deviceId === deviceId);
      if (appservice === undefined) state.commit({ what: "logout", token });
      else if (deviceId !== undefined && own !== undefined) state.commit({ what: "logout", token: own.token });
      return {};
    },
    "GET /v3/account/whoami": (asked) => {
      const { userId, deviceId } = homeserver.session(asked);
      return { user_id: userId, is_guest: false, ...(deviceId !== undefined && { device_id: deviceId }) };
    },
    "GET /v3/devices": (asked) => {
      const { userId } = homeserver.session(asked);
      return {
        devices: state.sessions
          .devicesOf(userId)
          .map((device_id) => ({ device_id, display_name: null, user_id: userId })),
      };
    },
    "GET /v3/profile/:": ({ ids: [userId = ""] }) => profileOf(state.users.get(userId)),
    "PUT /v3/profile/:/displayname": (asked) => setProfile(homeserver, asked, "displayname"),
    "PUT /v3/profile/:/avatar_url": (asked) => setProfile(homeserver, asked, "avatar_url"),
  };
}

export function userIdIn({ serverName }: Homeserver, user: string): string {
  return user.startsWith("@") ? user : `@${user}:${serverName}`;
}

/** User-interactive authentication's question for more. */
class Unfinished extends Fault {
  constructor(body: object) {
    super(401, "", "");
    Object.assign(this, { body });
  }
}

export function digest(password: string): string {
  return hash("sha256", password, "base64");
}

export function parsed<T>(schema: z.ZodType<T>, body: unknown): T {
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  throw new Fault(400, "M_BAD_JSON", z.prettifyError(result.error));
}

function profileOf(user: User | undefined): object {
  // Synapse has no such error code here as the specification asks for.
  if (user === undefined) throw new Fault(404, "M_UNKNOWN", "Profile was not found");
  const { displayname, avatar_url } = user;
  return {
    ...(displayname !== undefined && { displayname }),
    ...(avatar_url !== undefined && avatar_url !== "" && { avatar_url }),
  };
}

/** All rooms that the user is in are told. */
function setProfile(homeserver: Homeserver, asked: Asked, field: "displayname" | "avatar_url"): object {
  const { state } = homeserver;
  const { userId } = homeserver.session(asked);
  if (asked.ids[0] !== userId) throw forbidden("Cannot set another user's profile");
  const value = String(asked.body[field] ?? "");
  state.commit({ what: "profile", userId, field, value });
  const content = homeserver.memberContent(userId, "join");
  const events = [...state.roomsOf(userId)]
    .filter((room) => room.isIn(userId))
    .map((room) => homeserver.event(room.id, { type: "m.room.member", sender: userId, state_key: userId, content }));
  if (events.length > 0) state.commit(...events.map((event) => ({ what: "event", event }) as const));
  return {};
}
