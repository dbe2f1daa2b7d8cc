import { ClientPrefix, MediaPrefix, Method } from "matrix-js-sdk/lib/http-api/index.js";
import { z } from "zod";
import { TransportError } from "./http.ts";
import type { Caller } from "./matrix-api.ts";
import { path } from "./path.ts";
import { type DownloadedFile, MatrixError, type MediaFile } from "./port.ts";

const uploadAnswer = z.object({ content_uri: z.string().startsWith("mxc://") });

/** Stores a file with the homeserver, as one user. */
export async function upload(
  api: Caller,
  userId: string,
  { name, contentType, bytes }: MediaFile,
  signal: AbortSignal,
): Promise<string> {
  const answer = await api.call(
    {
      action: `uploading ${name} as ${userId}`,
      method: Method.Post,
      prefix: MediaPrefix.V3,
      path: "/upload",
      query: { filename: name },
      file: { contentType, bytes },
      remedies: { "too-large": "Send a smaller file, or raise the homeserver's limit." },
    },
    uploadAnswer,
    signal,
  );
  return answer.content_uri;
}

/** Fetches a file from the homeserver, by the endpoint that asks for a token. */
export async function download(
  api: Caller,
  mxc: string,
  mostBytes: number,
  signal: AbortSignal,
): Promise<DownloadedFile> {
  const [, server, id] = /^mxc:\/\/([^/]+)\/([^/]+)$/.exec(mxc) ?? [];
  if (server === undefined || id === undefined)
    throw new MatrixError("missing", "this is no address of a file", {
      remedy: "Such an address begins with mxc:// and names a homeserver and a file.",
    });
  const action = `downloading ${mxc}`;
  const call = {
    action,
    method: Method.Get,
    prefix: ClientPrefix.V1,
    path: path`/media/download/${server}/${id}`,
    answer: "file",
  } as const;
  const blob = await api.call(call, z.instanceof(Blob), signal).catch((error: unknown) => {
    const cause = error instanceof MatrixError ? error.cause : undefined;
    throw cause instanceof TransportError && cause.failure === "body-too-large"
      ? tooLarge(action, mostBytes, error)
      : error;
  });
  if (blob.size > mostBytes) throw tooLarge(action, mostBytes);
  return { contentType: blob.type, bytes: new Uint8Array(await blob.arrayBuffer()) };
}

function tooLarge(action: string, mostBytes: number, cause?: unknown): MatrixError {
  return new MatrixError("too-large", `${action}: it has more than ${mostBytes} bytes`, {
    remedy: "Open it in a Matrix client.",
    cause,
  });
}
