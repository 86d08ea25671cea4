// What is shown, in one place. Whoever changes it calls changed(); panels and controls listen.

export const state = {
  info: null,
  axes: [],
  fields: {},
  views: [],
  /** Sample that the slices pass through; in 2D, the last picked one. */
  index: [],
  picked: null,
  base: "image",
  baseMap: "gray",
  gain: 0,
  layers: [],
  threshold: 0.5,
  /** { name, colour, on, source: "file" or "pick", value: of time, points, layers: { depth, quality } or null } */
  horizons: [],
  /** { name, colour, on, source, figures, sticks, mesh: { points, cells } } */
  faults: [],
  picking: false,
  /** Nodes of the fault stick that is being drawn, in samples; null while none is. */
  stick: null,
  /** The horizon or fault that further points and sticks belong to. */
  active: null,
  /** { horizon, field, statistic, half, colormap }: what takes the place of the depth slice; null: nothing. */
  map: null,
  flat: false,
  tall: 1,
  aspect: "fit",
  smooth: true,
  crosshair: true,
  large: null,
};

const listeners = [];
let asked = false;

export const onChange = (listener) => listeners.push(listener);

/** Tell all listeners, once for all changes before the next picture. */
export function changed() {
  if (asked) return;
  asked = true;
  document.body.dataset.busy = "1";
  requestAnimationFrame(() => {
    asked = false;
    for (const listener of listeners) listener();
  });
}

export const FAULT_COLOURS = ["#ffe14d", "#ff8f3f", "#ff6fae", "#9be15d", "#6fd3ff", "#c59bff", "#ffb3a1", "#e8e8e8"];

export const HORIZON_COLOURS = ["#ff5d5d", "#4cc9f0", "#b8f35a", "#ff9e3d", "#d58bff", "#ffe14d", "#5dffc0", "#ff7ac6"];

export function setUp(info) {
  state.info = info;
  state.axes = info.axes;
  state.fields = Object.fromEntries(info.fields.map((field) => [field.name, field]));
  const three = info.axes.length === 3;
  state.views = three
    ? [{ axis: 1, rows: 0, cols: 2 }, { axis: 2, rows: 0, cols: 1 }, { axis: 0, rows: 1, cols: 2, up: true }]
    : [{ axis: 2, rows: 0, cols: 1 }];
  state.index = info.axes.map((axis) => Math.floor(axis.size / 2));
  state.layers = info.fields.filter((field) => field.kind !== "image").map((field, place) => ({
    field, on: place < 2, opacity: field.kind === "contours" ? 0.8 : 0.85, colormap: field.colormap, lines: 20,
  }));
}

export const three = () => state.axes.length === 3;

/** Number of the slice that a view shows. */
export const sliceOf = (view) => (three() ? state.index[view.axis] : 0);

/** The fields that may fill a section; the last is the image less the first other one, where both are amplitudes. */
export function bases() {
  const images = state.info.fields.filter((field) => field.kind === "image");
  const other = images.find((field) => field.amplitude && field.name !== "image");
  const list = images.map((field) => ({ id: field.name, title: field.name === "image" ? "Image" : field.title, parts: [field] }));
  if (other) list.push({ id: "difference", title: "Difference", parts: [state.fields.image, other] });
  return list;
}

/** The field whose lines of equal value are horizons. */
export const timeField = () => state.info.fields.find((field) => field.kind === "contours") ?? null;

export function setIndex(axis, value) {
  const limited = Math.min(Math.max(Math.round(value), 0), state.axes[axis].size - 1);
  if (!Number.isFinite(limited) || limited === state.index[axis]) return;
  state.index[axis] = limited;
  changed();
}

/** A colour that none of the others has, while there is one. */
export function freeColour(colours, others) {
  const used = new Set(others.map((other) => other.colour));
  return colours.find((candidate) => !used.has(candidate)) ?? colours[others.length % colours.length];
}

/** A name that none of the others has: "Horizon 1", "Horizon 2", ... or the wish itself, numbered if need be. */
export function freeName(wish, others, numbered = false) {
  const used = new Set(others.map((other) => other.name));
  if (!numbered && !used.has(wish)) return wish;
  let number = 1;
  while (used.has(`${wish} ${number}`)) number += 1;
  return `${wish} ${number}`;
}
