import { restart } from "./reload.ts";
import { flag, text } from "./values.ts";

const serving = restart("the server asks for it from its start on");

/** The keys of the section `api` that are about clients of the older system, and about Letta's webhooks. */
export const formerApiKeys = {
  internal_key: text.optional().meta({
    description:
      "What clients of the older system send as X-Internal-Key, in place of a token. It opens the routes of that system only.",
    example: "internal_key: a-long-random-text",
    reload: serving,
  }),
  internal_key_file: text.optional().meta({
    description:
      "A file that holds what clients of the older system send as X-Internal-Key, in place of a token. It opens the routes of that system only.",
    example: "internal_key_file: /run/secrets/internal_key",
    reload: serving,
  }),
  legacy_open: flag.default(false).meta({
    description:
      "Serves the routes of the older system to everybody on this machine without a token, as that did. Only where the server is bound to this machine's own address; refused together with api.public_url, or with names in api.allowed_hosts. Not for use behind a proxy: a request needs a token all the same where it says that one handed it on (Forwarded, X-Forwarded-*, X-Real-IP, Via, or a Host that is not this machine's own), but a proxy that says nothing of itself opens these routes to everybody whom it serves.",
    example: "legacy_open: true",
    reload: serving,
  }),
  webhook_secret: text.optional().meta({
    description: "What Letta signs its webhooks with: then only what is signed with it is taken for Letta's.",
    example: "webhook_secret: a-long-random-text",
    reload: serving,
  }),
  webhook_secret_file: text.optional().meta({
    description:
      "A file that holds what Letta signs its webhooks with: then only what is signed with it is taken for Letta's.",
    example: "webhook_secret_file: /run/secrets/webhook_secret",
    reload: serving,
  }),
};
