import { Method } from "matrix-js-sdk/lib/http-api/index.js";
import { z } from "zod";
import { initialState, powerLevelsOf } from "./create-room.ts";
import { jsonObject, type OnMalformed, parseEvents } from "./event.ts";
import { event, messages } from "./history.ts";
import type { Call, Caller } from "./matrix-api.ts";
import { download, upload } from "./media.ts";
import { undefinedIfMissing } from "./missing.ts";
import { path, statePath } from "./path.ts";
import {
  type Content,
  type CreateRoomRequest,
  type DatedEvent,
  type DownloadedFile,
  type MatrixClient,
  MatrixError,
  type MatrixEvent,
  type MediaFile,
  type MessagesRequest,
  type MessagesResponse,
  type Profile,
  type SearchRequest,
  type SearchResponse,
  type SyncRequest,
  type SyncResponse,
  type Urgency,
} from "./port.ts";
import { search } from "./search.ts";
import { encodeFilter, syncAnswer, toSyncResponse } from "./sync-response.ts";

const nothing = z.unknown();
const eventIdAnswer = z.object({ event_id: z.string().startsWith("$") });
const roomIdAnswer = z.object({ room_id: z.string().startsWith("!") });
const joinedRoomsAnswer = z.object({ joined_rooms: z.array(z.string()) });
const joinedMembersAnswer = z.object({ joined: z.record(z.string(), z.unknown()) });
const profileAnswer = z.object({ displayname: z.string().nullish(), avatar_url: z.string().nullish() });
const capabilitiesAnswer = z.object({
  capabilities: z.object({ "m.room_versions": z.object({ default: z.string() }).optional() }),
});

/** The Client-Server API as one user. Stateless but for the user's name and token: each call is one request or two. */
export class ClientServerClient implements MatrixClient {
  readonly userId: string;
  readonly #api: Caller;
  readonly #onMalformed: OnMalformed;

  constructor(userId: string, api: Caller, onMalformed: OnMalformed) {
    this.userId = userId;
    this.#api = api;
    this.#onMalformed = onMalformed;
  }

  /** Nothing waits here. */
  at(_urgency: Urgency): MatrixClient {
    return this;
  }

  async sync(request: SyncRequest, signal: AbortSignal): Promise<SyncResponse> {
    const answer = await this.#api.call(
      {
        action: `syncing ${this.userId}`,
        method: Method.Get,
        path: "/sync",
        query: {
          since: request.since,
          timeout: request.timeoutMs,
          filter: encodeFilter(request.filter),
          set_presence: "offline",
        },
      },
      syncAnswer,
      signal,
    );
    return toSyncResponse(answer, this.userId, request.filter, this.#onMalformed);
  }

  messages(roomId: string, request: MessagesRequest, signal: AbortSignal): Promise<MessagesResponse> {
    return messages(this.#api, this.userId, roomId, request, signal, this.#onMalformed);
  }

  event(roomId: string, eventId: string, signal: AbortSignal): Promise<DatedEvent | undefined> {
    return event(this.#api, roomId, eventId, signal);
  }

  async send(
    roomId: string,
    type: string,
    txnId: string,
    content: Content,
    signal: AbortSignal,
    at?: number,
  ): Promise<string> {
    const action = `sending ${type} into ${roomId}`;
    return this.#eventId(action, path`/rooms/${roomId}/send/${type}/${txnId}`, content, signal, at);
  }

  async sendState(
    roomId: string,
    type: string,
    stateKey: string,
    content: Content,
    signal: AbortSignal,
  ): Promise<string> {
    const action = `setting ${type} of ${roomId}`;
    return this.#eventId(action, statePath(roomId, type, stateKey), content, signal);
  }

  async roomState(roomId: string, signal: AbortSignal): Promise<readonly MatrixEvent[]> {
    const call: Call = {
      action: `reading the state of ${roomId}`,
      method: Method.Get,
      path: path`/rooms/${roomId}/state`,
    };
    const events = await this.#api.call(call, z.array(z.unknown()), signal);
    return parseEvents(events, (reason) => this.#onMalformed({ userId: this.userId, roomId, reason }));
  }

  async state(roomId: string, type: string, stateKey: string, signal: AbortSignal): Promise<Content | undefined> {
    const call: Call = {
      action: `reading ${type} of ${roomId}`,
      method: Method.Get,
      path: statePath(roomId, type, stateKey),
    };
    return undefinedIfMissing(this.#api.call(call, jsonObject, signal));
  }

  async createRoom(request: CreateRoomRequest, signal: AbortSignal): Promise<string> {
    const answer = await this.#api.call(
      {
        action: `creating the room ${request.aliasLocalpart ?? request.name}`,
        method: Method.Post,
        path: "/createRoom",
        remedies: { taken: "Resolve the alias, and adopt the room if it is ours." },
        body: {
          // Never trusted_private_chat: it gives whoever is invited the creator's power.
          preset: "private_chat",
          visibility: "private",
          room_alias_name: request.aliasLocalpart,
          name: request.name,
          topic: request.topic,
          invite: request.invite,
          creation_content:
            request.roomType === undefined
              ? request.creationContent
              : { ...request.creationContent, type: request.roomType },
          initial_state: initialState(request),
          ...(request.powerLevels === undefined ? {} : await this.#powerLevels(request.powerLevels, signal)),
        },
      },
      roomIdAnswer,
      signal,
    );
    return answer.room_id;
  }

  async resolveAlias(alias: string, signal: AbortSignal): Promise<string | undefined> {
    const call: Call = {
      action: `resolving ${alias}`,
      method: Method.Get,
      path: path`/directory/room/${alias}`,
    };
    return (await undefinedIfMissing(this.#api.call(call, roomIdAnswer, signal)))?.room_id;
  }

  async createAlias(alias: string, roomId: string, signal: AbortSignal): Promise<void> {
    try {
      await this.#api.call(
        {
          action: `giving ${roomId} the alias ${alias}`,
          method: Method.Put,
          path: path`/directory/room/${alias}`,
          body: { room_id: roomId },
        },
        nothing,
        signal,
      );
    } catch (error) {
      // The specification has a code of its own for this, but names no such one here.
      throw error instanceof MatrixError && error.httpStatus === 409 ? error.as("taken") : error;
    }
  }

  async deleteAlias(alias: string, signal: AbortSignal): Promise<void> {
    const call: Call = {
      action: `deleting the alias ${alias}`,
      method: Method.Delete,
      path: path`/directory/room/${alias}`,
    };
    await undefinedIfMissing(this.#api.call(call, nothing, signal));
  }

  async joinedRooms(signal: AbortSignal): Promise<readonly string[]> {
    const call: Call = { action: `listing the rooms of ${this.userId}`, method: Method.Get, path: "/joined_rooms" };
    return (await this.#api.call(call, joinedRoomsAnswer, signal)).joined_rooms;
  }

  async joinedMembers(roomId: string, signal: AbortSignal): Promise<readonly string[]> {
    const call: Call = {
      action: `listing who is in ${roomId}`,
      method: Method.Get,
      path: path`/rooms/${roomId}/joined_members`,
    };
    return Object.keys((await this.#api.call(call, joinedMembersAnswer, signal)).joined);
  }

  async join(roomIdOrAlias: string, signal: AbortSignal): Promise<string> {
    const answer = await this.#api.call(
      {
        action: `joining ${roomIdOrAlias} as ${this.userId}`,
        method: Method.Post,
        path: path`/join/${roomIdOrAlias}`,
        remedies: { forbidden: "Invite the user, or let it in by the room's join rules." },
        body: {},
      },
      roomIdAnswer,
      signal,
    );
    return answer.room_id;
  }

  async leave(roomId: string, signal: AbortSignal): Promise<boolean> {
    try {
      await this.#api.call(
        {
          action: `leaving ${roomId} as ${this.userId}`,
          method: Method.Post,
          path: path`/rooms/${roomId}/leave`,
          body: {},
        },
        nothing,
        signal,
      );
      return true;
    } catch (error) {
      const isAway = error instanceof MatrixError && (error.httpStatus === 403 || error.httpStatus === 404);
      if (!isAway || (await this.#isIn(roomId, signal))) throw error;
      return false;
    }
  }

  async invite(roomId: string, userId: string, signal: AbortSignal): Promise<void> {
    if (await this.#isMember(roomId, userId, signal)) return;
    try {
      await this.#api.call(
        {
          action: `inviting ${userId} into ${roomId}`,
          method: Method.Post,
          path: path`/rooms/${roomId}/invite`,
          remedies: { forbidden: "Check that the user is not banned and that the inviter has the power to invite." },
          body: { user_id: userId },
        },
        nothing,
        signal,
      );
    } catch (error) {
      // The same error code stands for "may not invite" and for "is in the room by now".
      const isForbidden = error instanceof MatrixError && error.kind === "forbidden";
      if (!isForbidden || !(await this.#isMember(roomId, userId, signal))) throw error;
    }
  }

  async typing(roomId: string, typing: boolean, timeoutMs: number, signal: AbortSignal): Promise<void> {
    await this.#api.call(
      {
        action: `typing in ${roomId}`,
        method: Method.Put,
        path: path`/rooms/${roomId}/typing/${this.userId}`,
        body: typing ? { typing, timeout: timeoutMs } : { typing },
      },
      nothing,
      signal,
    );
  }

  async redact(roomId: string, eventId: string, txnId: string, signal: AbortSignal): Promise<void> {
    const action = `redacting ${eventId} of ${roomId}`;
    await this.#eventId(action, path`/rooms/${roomId}/redact/${eventId}/${txnId}`, {}, signal);
  }

  async receipt(roomId: string, eventId: string, signal: AbortSignal): Promise<void> {
    await this.#api.call(
      {
        action: `marking ${eventId} of ${roomId} as read`,
        method: Method.Post,
        path: path`/rooms/${roomId}/receipt/m.read/${eventId}`,
        body: {},
      },
      nothing,
      signal,
    );
  }

  async profile(userId: string, signal: AbortSignal): Promise<Profile> {
    const call: Call = {
      action: `reading the profile of ${userId}`,
      method: Method.Get,
      path: path`/profile/${userId}`,
    };
    try {
      const { displayname, avatar_url } = await this.#api.call(call, profileAnswer, signal);
      return {
        ...(displayname != null && { displayName: displayname }),
        ...(avatar_url != null && { avatarUrl: avatar_url }),
      };
    } catch (error) {
      // Synapse has no error code for a user without a profile.
      if (error instanceof MatrixError && error.httpStatus === 404) return {};
      throw error;
    }
  }

  async setAvatarUrl(avatarUrl: string, signal: AbortSignal): Promise<void> {
    await this.#api.call(
      {
        action: `setting the picture of ${this.userId}`,
        method: Method.Put,
        path: path`/profile/${this.userId}/avatar_url`,
        body: { avatar_url: avatarUrl },
      },
      nothing,
      signal,
    );
  }

  upload(file: MediaFile, signal: AbortSignal): Promise<string> {
    return upload(this.#api, this.userId, file, signal);
  }

  download(mxc: string, mostBytes: number, signal: AbortSignal): Promise<DownloadedFile> {
    return download(this.#api, mxc, mostBytes, signal);
  }

  search(request: SearchRequest, signal: AbortSignal): Promise<SearchResponse> {
    return search(this.#api, this.userId, request, signal, this.#onMalformed);
  }

  async setDisplayName(displayName: string, signal: AbortSignal): Promise<void> {
    await this.#api.call(
      {
        action: `setting the display name of ${this.userId}`,
        method: Method.Put,
        path: path`/profile/${this.userId}/displayname`,
        body: { displayname: displayName },
      },
      nothing,
      signal,
    );
  }

  async logOut(signal: AbortSignal): Promise<void> {
    const call: Call = { action: `logging ${this.userId} out`, method: Method.Post, path: "/logout", body: {} };
    await this.#api.call(call, nothing, signal);
  }

  async #powerLevels(levels: Content, signal: AbortSignal): Promise<Record<string, unknown>> {
    const call: Call = { action: "reading the homeserver's capabilities", method: Method.Get, path: "/capabilities" };
    const { capabilities } = await this.#api.call(call, capabilitiesAnswer, signal);
    const version = capabilities["m.room_versions"]?.default;
    return {
      // Named, so that it is the one that these levels are right for.
      room_version: version,
      power_level_content_override: powerLevelsOf(levels, this.userId, version),
    };
  }

  async #eventId(
    action: string,
    eventPath: string,
    content: Content,
    signal: AbortSignal,
    at?: number,
  ): Promise<string> {
    // Ignored where it comes from no application service.
    const query = at !== undefined && { query: { ts: at } };
    const call: Call = { action, method: Method.Put, path: eventPath, body: content, ...query };
    return (await this.#api.call(call, eventIdAnswer, signal)).event_id;
  }

  async #isIn(roomId: string, signal: AbortSignal): Promise<boolean> {
    return (await this.joinedRooms(signal)).includes(roomId);
  }

  async #isMember(roomId: string, userId: string, signal: AbortSignal): Promise<boolean> {
    const membership = (await this.state(roomId, "m.room.member", userId, signal))?.["membership"];
    return membership === "join" || membership === "invite";
  }
}
