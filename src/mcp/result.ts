import type { CallToolResult, ContentBlock } from "@modelcontextprotocol/server";
import { z } from "zod";
import { notAll, untrusted } from "./marks.ts";
import { shortened, startOf } from "./shortened.ts";
import type { Tool } from "./tool.ts";

/** Characters of a result's text. */
const longestText = 24_000;
/** Of a structured result, in JSON: together with the text it is less than what is kept for a client whose stream was cut. */
const longestStructure = 150_000;

const structured = z.record(z.string(), z.unknown());

type Structure = z.output<typeof structured>;

const page = z.looseObject({ next: z.string().optional() });

const fileOutput = z.object({ file: z.string(), type: z.string(), base64: z.string() });

export function resultOf(tool: Tool, output: unknown): CallToolResult {
  if (tool.definition.file !== true) return textOf(tool, output);
  const { base64: _, ...about } = structured.parse(output);
  const { content, ...rest } = textOf(tool, about);
  return {
    ...rest,
    content: [{ type: "text", text: `${untrusted}\n` }, ...content, contentOf(fileOutput.parse(output))],
  };
}

/** A file in the way in which models can look at it. */
function contentOf({ file: uri, type: mimeType, base64 }: z.output<typeof fileOutput>): ContentBlock {
  if (mimeType.startsWith("image/")) return { type: "image", data: base64, mimeType };
  if (mimeType.startsWith("audio/")) return { type: "audio", data: base64, mimeType };
  if (!mimeType.startsWith("text/") && mimeType !== "application/json")
    return { type: "resource", resource: { uri, mimeType, blob: base64 } };
  return { type: "text", text: cut(Buffer.from(base64, "base64").toString("utf8")) };
}

function textOf(tool: Tool, output: unknown): CallToolResult {
  const json = JSON.stringify(cursorFirst(output));
  const text = tool.definition.quotes === true ? `${untrusted}\n${cut(json)}` : cut(json);
  return {
    content: [{ type: "text", text }],
    ...(tool.listed.outputSchema !== undefined && {
      structuredContent: structureOf(tool, structured.parse(JSON.parse(json))),
    }),
  };
}

/** Some clients show models this in the place of the text. */
function structureOf({ definition }: Tool, whole: Structure): Structure {
  return definition.quotes === true ? quoted(whole) : whole;
}

/** What others have written, with what has to be said of it. */
export function quoted(whole: Structure): Structure {
  const part = shortened(whole, longestStructure);
  return { untrusted, ...(part !== whole && { cut: notAll }), ...part };
}

/** Where the next page begins is told before all that is listed, so that it is never what is cut off. */
function cursorFirst(output: unknown): unknown {
  const { data } = page.safeParse(output);
  return data?.next === undefined ? output : { next: data.next, ...data };
}

function cut(text: string): string {
  return text.length > longestText ? `${startOf(text, longestText)}… (cut: ask for less at once)` : text;
}

export function failed(text: string): CallToolResult {
  return { isError: true, content: [{ type: "text", text }] };
}
