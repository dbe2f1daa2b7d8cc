import { randomBytes } from "node:crypto";
import { notFound } from "./fault.ts";
import type { Homeserver } from "./homeserver.ts";
import { type Asked, FileAnswer, type Routes } from "./routing.ts";

/** Files, for everybody who has an account. A thumbnail is the file itself. */
export function mediaRoutes(homeserver: Homeserver): Routes {
  const download = (asked: Asked): FileAnswer => {
    homeserver.session(asked);
    const file = homeserver.state.media.get(asked.ids[1] ?? "");
    if (file === undefined) throw notFound("Not found");
    return new FileAnswer(file.contentType, file.bytes);
  };
  return {
    "POST /_matrix/media/v3/upload": (asked) => {
      homeserver.session(asked);
      const id = randomBytes(18).toString("base64url");
      homeserver.state.commit({
        what: "media",
        id,
        contentType: asked.contentType,
        base64: asked.bytes.toString("base64"),
      });
      return { content_uri: `mxc://${homeserver.serverName}/${id}` };
    },
    "GET /v1/media/download/:/:": download,
    "GET /v1/media/download/:/:/:": download,
    "GET /v1/media/thumbnail/:/:": download,
  };
}
