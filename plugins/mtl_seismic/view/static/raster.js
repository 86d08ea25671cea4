// A slice as pictures of one pixel per sample, and as lines.

import { paint, paintOverlay } from "./colour.js";
import { loadAlong, loadSlice } from "./data.js";
import { flattened, leveller, rowsAt } from "./flat.js";
import { horizonLine, isolines } from "./lines.js";
import { bases, state, three, timeField } from "./state.js";
import { faultOnSlice, horizonOnSlice } from "./surfaces.js";

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

/** Whether a view shows a map of a horizon in place of its slice. */
export const isMap = (view) => three() && view.axis === 0 && state.map !== null;

export const isFlat = (view) => state.flat && view.rows === 0 && timeField() !== null;

/** Values of the map, over (inline, crossline). */
export async function loadMap() {
  const { horizon, field, statistic, half } = state.map;
  if (!horizon.layers) return null; // asked for already
  const key = `${field}/${statistic}/${half}`;
  const { layers } = horizon;
  layers.along ??= {};
  if (field === "depth" || field === "quality") {
    layers.along.z ??= layers.depth.map((depth) => state.axes[0].origin + depth * state.axes[0].step);
    return field === "depth" ? layers.along.z : layers.quality;
  }
  layers.along[key] ??= await loadAlong(horizon, field, statistic, half);
  return layers.along[key];
}

/** Limits of the map: the field's where they are the same for all, else what the middle of the values spans. */
export function mapLimits(values) {
  const { field, statistic } = state.map;
  if (field === "quality") return [0, 1];
  const known = state.fields[field];
  if (known && statistic === "value") return known.amplitude ? baseLimitsOf(known) : known.limits;
  const sorted = Float32Array.from(values.filter((value) => value === value)).sort();
  if (!sorted.length) return [0, 1];
  const [low, high] = [0.01, 0.99].map((share) => sorted[Math.round(share * (sorted.length - 1))]);
  return low < high ? [low, high] : [low, low + 1];
}

const baseLimitsOf = (field) => field.limits.map((limit) => limit * 10 ** (-state.gain / 20));

export function renderMap(view, values, old) {
  const rows = state.axes[view.rows].size, cols = state.axes[view.cols].size;
  const pictures = old ?? { canvases: [] };
  const canvas = pictures.canvases[0] ?? (pictures.canvases[0] = document.createElement("canvas"));
  const shown = values ?? new Float32Array(rows * cols).fill(NaN);
  const limits = mapLimits(shown);
  const base = draw(canvas, rows, cols, (pixels) => paint(shown, limits, state.map.colormap, pixels));
  return { ...pictures, slices: {}, map: shown, limits, rows, cols, base, overlays: [], contours: [], horizons: [], faults: [] };
}

/** Rasters and line paths of a view's slices: { base, overlays, contours, horizons, faults }. */
export function render(view, slices, old) {
  const rows = state.axes[view.rows].size, cols = state.axes[view.cols].size;
  const pictures = old ?? { canvases: [] };
  const time = timeField() && slices[timeField().name];
  const level = isFlat(view) ? leveller(time, rows, cols) : undefined;
  const places = isFlat(view) ? rowsAt(time, rows, cols) : null;
  if (places) slices = flatSlices(slices, places, rows, cols);
  let used = 0;
  const picture = (fill) => {
    const canvas = pictures.canvases[used] ?? (pictures.canvases[used] = document.createElement("canvas"));
    used += 1;
    return draw(canvas, rows, cols, fill);
  };
  const raster = picture((pixels) => paint(baseValues(slices), baseLimits(), state.baseMap, pixels));
  const shown = state.layers.filter((layer) => layer.on && slices[layer.field.name]);
  const overlays = shown.filter((layer) => layer.field.kind === "overlay").map((layer) => picture((pixels) => paintOverlay(
    slices[layer.field.name], slices[maskOf(layer.field)], state.threshold, layer.opacity * (layer.field.masked && !layer.field.mask ? 0.6 : 1),
    layer.field.limits, layer.colormap, pixels)));
  const contours = shown.filter((layer) => layer.field.kind === "contours").map((layer) => contour(layer, slices, rows, cols));
  const lines = { horizons: horizons(view, slices, rows, cols, level), faults: faults(view, level) };
  return { ...pictures, slices, rows, cols, places, level, map: null, base: raster, overlays, contours, ...lines };
}

/** The field above whose threshold an overlay is drawn: a probability that masks others masks itself. */
const maskOf = (field) => (field.is_mask ? field.name : field.mask);

const flats = new WeakMap();

function flatSlices(slices, places, rows, cols) {
  return Object.fromEntries(Object.entries(slices).map(([name, values]) => {
    if (!flats.has(values)) flats.set(values, flattened(values, places, rows, cols, state.fields[name].kind === "overlay"));
    return [name, flats.get(values)];
  }));
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

const lateral = () => state.axes.slice(1).map((axis) => axis.size);
const indexOf = (view) => (three() ? state.index[view.axis] : 0);

/** Lines of the horizons that are shown: of their own depths, or of time until these are there. */
function horizons(view, slices, rows, cols, level) {
  const field = timeField();
  const values = field && slices[field.name];
  return state.horizons.filter((horizon) => horizon.on).flatMap((horizon) => {
    if (horizon.layers) return [{ ...horizon, path: horizonOnSlice(horizon.layers.depth, view, indexOf(view), lateral(), level) }];
    if (!values || horizon.value === null) return [];
    const path = view.rows === 0 ? horizonLine(values, rows, cols, horizon.value) : isolines(values, rows, cols, horizon.value, 1, 1)[0];
    return [{ ...horizon, path }];
  });
}

function faults(view, level) {
  return state.faults.filter((fault) => fault.on && fault.mesh).map((fault) => ({ ...fault, path: faultOnSlice(fault.mesh, view, indexOf(view), level) }));
}
