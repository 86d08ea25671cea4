// A slice as pictures of one pixel per sample, and as lines.

import { paint, paintOverlay } from "./colour.js";
import { loadSlice } from "./data.js";
import { horizonLine, isolines } from "./lines.js";
import { bases, state, timeField } from "./state.js";

/** The names of all fields that a picture of a view needs now. */
export function needed() {
  const names = new Set(base().parts.map((field) => field.name));
  for (const layer of state.layers.filter((each) => each.on)) {
    names.add(layer.field.name);
    if (layer.field.mask) names.add(layer.field.mask);
  }
  if (timeField()) names.add(timeField().name); // a click may ask for a horizon
  return [...names];
}

export const base = () => bases().find((each) => each.id === state.base) ?? bases()[0];

export async function loadView(view, index) {
  const names = needed();
  const slices = await Promise.all(names.map((name) => loadSlice(name, view.axis, index)));
  return Object.fromEntries(names.map((name, i) => [name, slices[i]]));
}

export function baseValues(slices) {
  const [first, second] = base().parts.map((field) => slices[field.name]);
  return second ? first.map((value, i) => value - second[i]) : first;
}

/** Limits of the base, narrowed by the gain (decibels) where it is an amplitude. */
export function baseLimits() {
  const field = base().parts[0];
  const factor = field.amplitude ? 10 ** (-state.gain / 20) : 1;
  return field.limits.map((limit) => limit * factor);
}

/** Rasters and line paths of a view's slices: { base, overlays, contours }. */
export function render(view, slices, old) {
  const rows = state.axes[view.rows].size, cols = state.axes[view.cols].size;
  const pictures = old ?? { canvases: [] };
  let used = 0;
  const picture = (fill) => {
    const canvas = pictures.canvases[used] ?? (pictures.canvases[used] = document.createElement("canvas"));
    used += 1;
    return draw(canvas, rows, cols, fill);
  };
  const raster = picture((pixels) => paint(baseValues(slices), baseLimits(), state.baseMap, pixels));
  const shown = state.layers.filter((layer) => layer.on && slices[layer.field.name]);
  const overlays = shown.filter((layer) => layer.field.kind === "overlay").map((layer) => picture((pixels) => paintOverlay(
    slices[layer.field.name], slices[layer.field.mask], state.threshold, layer.opacity * (layer.field.masked && !layer.field.mask ? 0.6 : 1),
    layer.field.limits, layer.colormap, pixels)));
  const contours = shown.filter((layer) => layer.field.kind === "contours").map((layer) => contour(layer, slices, rows, cols));
  return { ...pictures, slices, rows, cols, base: raster, overlays, contours, horizons: horizons(view, slices, rows, cols) };
}

function draw(canvas, rows, cols, fill) {
  if (canvas.width !== cols || canvas.height !== rows) [canvas.width, canvas.height] = [cols, rows];
  const context = canvas.getContext("2d");
  const image = context.createImageData(cols, rows);
  fill(new Uint32Array(image.data.buffer));
  context.putImageData(image, 0, 0);
  return canvas;
}

const lineCache = new WeakMap();

function contour(layer, slices, rows, cols) {
  const values = slices[layer.field.name];
  const [low, high] = layer.field.limits;
  const count = layer.lines - 1, step = (high - low) / layer.lines;
  const known = lineCache.get(values) ?? {};
  known[count] ??= isolines(values, rows, cols, low + step, step, count);
  lineCache.set(values, known);
  return { layer, paths: known[count], shares: known[count].map((_, k) => (k + 1) / layer.lines) };
}

function horizons(view, slices, rows, cols) {
  const field = timeField();
  const values = field && slices[field.name];
  if (!values) return [];
  return state.horizons.map((horizon) => ({
    ...horizon,
    path: view.rows === 0 ? horizonLine(values, rows, cols, horizon.value)
      : isolines(values, rows, cols, horizon.value, 1, 1)[0],
  }));
}

