import type { Deed, FileDeed } from "../../machines/outbox.ts";
import type { Content } from "../../matrix/port.ts";
import type { Markdown } from "../conversation/markdown.ts";

/** The contents of what programs have our users say. */

type Message = Deed & { readonly kind: "message" };

function spoken(text: string, markdown: Markdown): Content {
  const body = text.toWellFormed();
  const html = markdown.html(body);
  return { body, ...(html !== undefined && { format: "org.matrix.custom.html", formatted_body: html }) };
}

function relation({ thread, inReplyTo }: Pick<Message, "thread" | "inReplyTo">): Content | undefined {
  if (thread === undefined && inReplyTo === undefined) return undefined;
  const reply = { "m.in_reply_to": { event_id: inReplyTo ?? thread ?? "" } };
  if (thread === undefined) return reply;
  return { ...reply, rel_type: "m.thread", event_id: thread, is_falling_back: inReplyTo === undefined };
}

export function messageContent(message: Message, markdown: Markdown): Content {
  const { text, notice, mentions = [], marks } = message;
  const relates = relation(message);
  return {
    ...marks,
    ...spoken(text, markdown),
    msgtype: notice === true ? "m.notice" : "m.text",
    "m.mentions": mentions.length === 0 ? {} : { user_ids: mentions },
    ...(relates !== undefined && { "m.relates_to": relates }),
  };
}

export function fileContent(deed: FileDeed): Content {
  const { file, name, contentType, size, shownAs, caption = name, thread, marks } = deed;
  const relates = thread === undefined ? undefined : relation({ thread });
  return {
    ...marks,
    msgtype: shownAs,
    body: caption.toWellFormed(),
    filename: name.toWellFormed(),
    url: file,
    info: { mimetype: contentType, size },
    "m.mentions": {},
    ...(relates !== undefined && { "m.relates_to": relates }),
  };
}

export function editContent({ event, text }: Deed & { readonly kind: "edit" }, markdown: Markdown): Content {
  const fresh = { ...spoken(text, markdown), msgtype: "m.text", "m.mentions": {} };
  return {
    ...fresh,
    body: `* ${text.toWellFormed()}`,
    "m.new_content": fresh,
    "m.relates_to": { rel_type: "m.replace", event_id: event },
  };
}

export function reactionContent({ event, sign }: Deed & { readonly kind: "reaction" }): Content {
  return { "m.relates_to": { rel_type: "m.annotation", event_id: event, key: sign } };
}
