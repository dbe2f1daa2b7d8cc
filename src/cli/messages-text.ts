import type { z } from "zod";
import type { mediaSend } from "../commands/media/send.ts";
import type { messagesList } from "../commands/messages/list.ts";
import type { messagesSearch } from "../commands/messages/search.ts";
import type { messagesSend } from "../commands/messages/sending.ts";
import { plain } from "./console.ts";
import { plainRow } from "./status-tables.ts";
import { table } from "./table.ts";
import { layoutFor, type Terminal } from "./terminal.ts";

type Listed = z.output<typeof messagesList.output>;
type Found = z.output<typeof messagesSearch.output>;
type Message = Listed["messages"][number];

/** As people read a talk: the newest last. */
export function listedText({ messages, next }: Listed, terminal: Terminal): string {
  if (messages.length === 0) return "Nothing was said here.\n";
  const rows = messages.toReversed().map((one) => [momentOf(one), one.sender, wordsOf(one)]);
  return table([["AT", "FROM", "TEXT"], ...rows].map(plainRow), layoutFor(terminal)) + older(next);
}

export function foundText({ messages, next }: Found, terminal: Terminal): string {
  if (messages.length === 0) return "Nothing was found.\n";
  const rows = messages.map((one) => [momentOf(one), one.room, one.sender, wordsOf(one)]);
  return table([["AT", "ROOM", "FROM", "TEXT"], ...rows].map(plainRow), layoutFor(terminal)) + older(next);
}

export function sentText({ state, events, answers = [] }: z.output<typeof messagesSend.output>): string {
  const said = state === "accepted" ? acceptedLine : `said ${plain(events.join(", "))}\n`;
  const given = answers.map(({ agentId, name, outcome, text }) => {
    const who = plain(name ?? agentId);
    return `\n${who}${outcome === "error" ? " (error)" : ""}:\n${text.split("\n").map(plain).join("\n")}\n`;
  });
  return said + given.join("");
}

export function shownText({ event, file }: z.output<typeof mediaSend.output>): string {
  return event === undefined ? acceptedLine : `shown ${plain(event)}: ${plain(file)}\n`;
}

const acceptedLine = "accepted: it is sent as soon as the homeserver takes it\n";

function momentOf({ at }: Message): string {
  return new Date(at).toISOString().slice(0, 19).replace("T", " ");
}

function wordsOf({ text, file, cut }: Message): string {
  const words = cut === true ? `${text}…` : text;
  return file === undefined ? words : `${words} (${file.address})`;
}

function older(next: string | undefined): string {
  return next === undefined ? "" : `\nOlder ones: --cursor ${plain(next)}\n`;
}
