import { hash } from "node:crypto";
import { type Colour, png } from "./png.ts";
import type { MediaFile } from "./port.ts";

const cells = 5;
/** Pixels of a cell, and of the margin around all. */
const cellSize = 40;
const margin = 28;
const size = cells * cellSize + 2 * margin;

/** Changes with the drawing: a picture drawn otherwise is another picture. */
export const portraitSource = "drawn 1";

/** A picture for an agent, by which its eye knows it again in a list: always the same for the same agent. */
export function portraitOf(agentId: string): MediaFile {
  const bytes = Buffer.from(hash("sha256", agentId, "hex"), "hex");
  const hue = ((bytes.readUInt16BE(0) / 0x1_0000) * 360) % 360;
  const colours: readonly Colour[] = [colourOf(hue, 0.35, 0.93), colourOf(hue, 0.55, 0.42)];
  // The left half decides; the right one mirrors it, which is what makes it look like something.
  const isFilled = (column: number, row: number): boolean => {
    const bit = row * 3 + Math.min(column, cells - 1 - column);
    return ((bytes[2 + (bit >> 3)] ?? 0) & (1 << (bit & 7))) !== 0;
  };
  const indexAt = (x: number, y: number): number => {
    const column = Math.floor((x - margin) / cellSize);
    const row = Math.floor((y - margin) / cellSize);
    const isInside = column >= 0 && column < cells && row >= 0 && row < cells;
    return isInside && isFilled(column, row) ? 1 : 0;
  };
  return { name: "avatar.png", contentType: "image/png", bytes: png(size, colours, indexAt) };
}

function colourOf(hue: number, saturation: number, lightness: number): Colour {
  const reach = saturation * Math.min(lightness, 1 - lightness);
  const part = (shift: number): number => {
    const angle = (shift + hue / 30) % 12;
    return Math.round(255 * (lightness - reach * Math.max(-1, Math.min(angle - 3, 9 - angle, 1))));
  };
  return [part(0), part(8), part(4)];
}
