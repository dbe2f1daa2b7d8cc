import { type Box, type Drawing, type Line, metrics, type Point } from "./drawing.ts";

/** The drawing as an SVG that stands by itself, and follows the viewer's light or dark scheme. */
export function toSvg(drawing: Drawing): string {
  const { width, height, title, boxes, lines } = drawing;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escaped(`Statechart ${title}`)}">`,
    `<title>${escaped(title)}</title>`,
    `<style>${style}</style>`,
    `<defs>${kinds.map(marker).join("")}</defs>`,
    `<rect class="paper" width="${width}" height="${height}" rx="12"/>`,
    ...boxes.map(box),
    ...lines.map(path),
    ...lines.filter(({ kind }) => kind === "initial").map(dot),
    ...lines.map(label),
    "</svg>\n",
  ]
    .filter(Boolean)
    .join("\n");
}

const kinds = ["initial", "event", "always", "after", "done", "error", "complete"] as const;

const style = `
svg { --paper: #ffffff; --box: #f6f8fa; --inner: #ffffff; --stroke: #8c959f; --text: #1f2328; --faint: #59636e;
  --event: #0969da; --always: #6e7781; --after: #9a6700; --done: #1a7f37; --error: #cf222e;
  font-family: ui-sans-serif, system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
@media (prefers-color-scheme: dark) {
  svg { --paper: #0d1117; --box: #161b22; --inner: #21262d; --stroke: #6e7681; --text: #e6edf3; --faint: #9198a1;
    --event: #4493f8; --always: #9198a1; --after: #d29922; --done: #3fb950; --error: #f85149; }
}
.paper { fill: var(--paper); }
.state { fill: var(--inner); stroke: var(--stroke); stroke-width: 1.2; }
.container { fill: var(--box); }
.container.deep { fill: var(--paper); }
.region { stroke-dasharray: 5 4; }
.final { fill: none; }
.title { fill: var(--text); font-size: ${metrics.titleSize}px; font-weight: 600; }
.note { fill: var(--faint); font-size: ${metrics.noteSize}px; }
.rule { stroke: var(--stroke); stroke-width: 0.6; }
.label { font-size: ${metrics.labelSize}px; paint-order: stroke; stroke: var(--paper); stroke-width: 4px; stroke-linejoin: round; }
.line { fill: none; stroke-width: 1.4; }
.always .line, .line.always { stroke-dasharray: 4 3; }
.dot { fill: var(--text); }
${kinds.map((kind) => `.line.${kind} { stroke: ${colour(kind)}; } .label.${kind}, .tip.${kind} { fill: ${colour(kind)}; }`).join("\n")}
`;

function colour(kind: Line["kind"]): string {
  if (kind === "initial") return "var(--text)";
  return kind === "complete" ? "var(--done)" : `var(--${kind})`;
}

function marker(kind: Line["kind"]): string {
  return `<marker id="tip-${kind}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" markerUnits="userSpaceOnUse" orient="auto"><path class="tip ${kind}" d="M0 0.6 8 4 0 7.4z"/></marker>`;
}

function box({ type, x, y, width, height, title, notes, depth, id }: Box): string {
  if (type === "history") return history(x, y, title);
  const container = type === "compound" || type === "parallel";
  const classes = ["state", container && "container", container && depth % 2 === 1 && "deep"].filter(Boolean).join(" ");
  const middle = x + width / 2;
  const rule = y + metrics.titleHeight;
  return [
    `<g data-state="${escaped(id)}">`,
    `<rect class="${classes}" x="${x}" y="${y}" width="${width}" height="${height}" rx="8"/>`,
    type === "final" &&
      `<rect class="state final" x="${x + 3}" y="${y + 3}" width="${width - 6}" height="${height - 6}" rx="6"/>`,
    `<text class="title" x="${middle}" y="${y + 20}" text-anchor="middle">${escaped(title)}</text>`,
    (notes.length > 0 || container) && `<path class="rule" d="M${x} ${rule}h${width}"/>`,
    ...notes.map((note, index) => text("note", x + metrics.padding, rule + 16 + index * metrics.rowHeight, note)),
    "</g>",
  ]
    .filter(Boolean)
    .join("");
}

function history(x: number, y: number, title: string): string {
  const radius = metrics.historySize / 2;
  return [
    `<g><title>${escaped(title)}</title>`,
    `<circle class="state" cx="${x + radius}" cy="${y + radius}" r="${radius}"/>`,
    `<text class="title" x="${x + radius}" y="${y + radius + 5}" text-anchor="middle">H</text></g>`,
  ].join("");
}

function path({ points, kind }: Line): string {
  return `<path class="line ${kind}" d="${rounded(points)}" marker-end="url(#tip-${kind})"/>`;
}

function dot({ points: [start] }: Line): string {
  return start === undefined
    ? ""
    : `<circle class="dot" cx="${start.x}" cy="${start.y - metrics.dot / 2}" r="${metrics.dot / 2 - 1}"/>`;
}

function label({ label: placed, kind }: Line): string {
  if (placed === undefined) return "";
  return placed.rows.map((row, index) => text(`label ${kind}`, placed.x + 4, placed.y + 12 + index * 14, row)).join("");
}

function text(classes: string, x: number, y: number, content: string): string {
  return `<text class="${classes}" x="${x}" y="${y}">${escaped(content)}</text>`;
}

/** A line through the points whose corners are rounded. */
function rounded(points: readonly Point[]): string {
  const radius = 6;
  return points
    .map((point, index) => {
      const before = points[index - 1];
      const after = points[index + 1];
      if (before === undefined) return `M${point.x} ${point.y}`;
      if (after === undefined) return `L${point.x} ${point.y}`;
      const from = towards(point, before, radius);
      const to = towards(point, after, radius);
      return `L${from.x} ${from.y}Q${point.x} ${point.y} ${to.x} ${to.y}`;
    })
    .join("");
}

/** The point at most `distance`, and at most half the way, from one point to another. */
function towards(from: Point, to: Point, distance: number): Point {
  const length = Math.hypot(to.x - from.x, to.y - from.y);
  const share = length === 0 ? 0 : Math.min(distance / length, 0.5);
  return { x: round(from.x + (to.x - from.x) * share), y: round(from.y + (to.y - from.y) * share) };
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function escaped(content: string): string {
  return content.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}
