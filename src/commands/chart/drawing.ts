import type { ChartEdgeKind, ChartStateType } from "../../runtime/chart-graph.ts";

/** A chart with a place for everything, in px from the top left corner. */
export interface Drawing {
  readonly title: string;
  readonly width: number;
  readonly height: number;
  /** Outer ones first. */
  readonly boxes: readonly Box[];
  readonly lines: readonly Line[];
}

export interface Box {
  /** The state's id. */
  readonly id: string;
  readonly type: ChartStateType;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly title: string;
  /** What it does: invokes, entry, exit, and transitions that do not leave it. */
  readonly notes: readonly string[];
  /** Nesting; 0 for the whole chart. */
  readonly depth: number;
}

export interface Line {
  readonly from: string;
  readonly to: string;
  /** `initial` leads from the dot at a compound state's beginning. */
  readonly kind: ChartEdgeKind | "initial";
  readonly points: readonly Point[];
  readonly label?: Label;
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Label extends Point {
  readonly width: number;
  readonly height: number;
  readonly rows: readonly string[];
}

/** Sizes that layout and drawing share, in px. */
export const metrics = {
  titleSize: 14,
  noteSize: 12,
  labelSize: 11.5,
  rowHeight: 16,
  titleHeight: 30,
  padding: 12,
  dot: 12,
  historySize: 26,
} as const;
