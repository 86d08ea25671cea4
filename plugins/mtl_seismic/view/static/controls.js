// The column of controls.

import { knownMap, mapNames, paintBar } from "./colour.js";
import { faults, horizons, updateLists } from "./lists.js";
import { addHorizon } from "./picks.js";
import { baseLimits, base } from "./raster.js";
import { bases, changed, setIndex, state, three, timeField } from "./state.js";
import { capital, make, number, placeText, position, unitOf } from "./text.js";

const COLOURS = ["#86a8ff", "#e6b450", "#58c9a9"];
const updates = [];

/** Build the column; afterwards update() keeps it in step with the state. */
export function buildControls(parent, { showHelp }) {
  parent.append(about(), ...(three() ? [sliders()] : []), image(), overlays(), ...(timeField() ? [horizons(group)] : []), faults(group), point(), display(showHelp));
}

export const update = () => { updates.forEach((each) => each()); updateLists(); };

function about() {
  const { info, axes } = state;
  const sizes = axes.map((axis) => axis.size).join(" × ");
  const notes = info.notes.map((note) => make("p", { className: "note" }, note));
  return make("div", {}, make("h1", { title: info.input.path ?? "" }, info.name),
    make("p", { className: "about", title: info.folder }, `${sizes} samples  ·  ${info.folder.split(/[\\/]/).slice(-2).join("/")}`), ...notes);
}

function group(title, ...children) {
  return make("section", {}, make("h2", {}, title), ...children);
}

/** A labelled slider: { id, label, min, max, step, get, set, text }. */
function slider({ id, label, min, max, step, get, set, text, colour }) {
  const input = make("input", { type: "range", id, min, max, step, value: get() });
  const output = make("output", {});
  input.addEventListener("input", () => { set(Number(input.value)); changed(); });
  updates.push(() => {
    if (Number(input.value) !== get()) input.value = get();
    output.textContent = text(get());
  });
  if (colour) input.style.setProperty("--colour", colour);
  return make("div", { className: "row" }, make("label", { htmlFor: id, title: label }, label), input, output);
}

function mapChoice(id, get, set) {
  const select = make("select", { id, ariaLabel: "Colour map" }, ...mapNames().map((name) => make("option", { value: name }, name.replace("_", " "))));
  select.value = knownMap(get());
  select.addEventListener("change", () => { set(select.value); changed(); });
  return make("div", { className: "row wide" }, make("label", { htmlFor: id }, "Colours"), select);
}

function colourBar(name, limits, unit, fading) {
  const canvas = make("canvas"), low = make("span"), high = make("span");
  updates.push(() => {
    paintBar(canvas, name(), fading);
    [low.textContent, high.textContent] = limits().map((limit) => number(limit, 3) + unit());
  });
  return make("div", { className: "bar" }, low, canvas, high);
}

function sliders() {
  const rows = [1, 2, 0].map((axis) => {
    const it = state.axes[axis];
    const id = `slider-${axis}`;
    const input = make("input", { type: "range", id, min: 0, max: it.size - 1, step: 1, value: state.index[axis] });
    input.style.setProperty("--colour", COLOURS[axis]);
    const entry = make("input", { type: "number", step: it.step, ariaLabel: `${it.name} in the file's units`, title: `${it.name}${unitOf(it)}` });
    input.addEventListener("input", () => setIndex(axis, Number(input.value)));
    entry.addEventListener("change", () => {
      if (entry.value !== "") setIndex(axis, (Number(entry.value) - it.origin) / it.step);
      changed();
    });
    updates.push(() => {
      input.value = state.index[axis];
      if (document.activeElement !== entry || Number(entry.value) !== position(it, state.index[axis])) {
        entry.value = Number(position(it, state.index[axis]).toPrecision(10));
      }
    });
    const label = make("label", { htmlFor: id, title: capital(it.name) }, make("span", { className: "dot", colour: COLOURS[axis] }), capital(it.name));
    return make("div", { className: "row" }, label, input, entry);
  });
  return group("Slices", ...rows);
}

function image() {
  const choices = bases().map(({ id, title }) => {
    const input = make("input", { type: "radio", name: "base", value: id, checked: id === state.base });
    input.addEventListener("change", () => { state.base = id; changed(); });
    updates.push(() => { input.checked = id === state.base; });
    return make("label", { title: id === "difference" ? "The image less the denoised one" : title }, input, title);
  });
  return group("Image",
    make("div", { className: "choices" }, ...choices),
    mapChoice("map-image", () => state.baseMap, (name) => { state.baseMap = name; }),
    slider({ id: "gain", label: "Gain", min: -20, max: 30, step: 1, get: () => state.gain, set: (v) => { state.gain = v; }, text: (v) => `${number(v)} dB` }),
    colourBar(() => state.baseMap, baseLimits, () => base().parts[0].unit, false));
}

function overlays() {
  const rows = state.layers.map((layer, place) => overlay(layer, place));
  const masked = state.layers.some((layer) => layer.field.mask || layer.field.is_mask);
  const threshold = masked ? [slider({
    id: "threshold", label: "Mask above", min: 0.02, max: 0.98, step: 0.02, get: () => state.threshold,
    set: (v) => { state.threshold = v; }, text: (v) => v.toFixed(2),
  })] : [];
  return group("Overlays", ...(rows.length ? [...rows, ...threshold] : [make("p", { className: "empty" }, "This result has none.")]));
}

function overlay(layer, place) {
  const { field } = layer;
  const box = make("input", { type: "checkbox", id: `layer-${field.name}`, checked: layer.on });
  const id = `opacity-${field.name}`;
  const settings = make("div", { className: "settings" },
    slider({ id, label: "Opacity", min: 0, max: 1, step: 0.05, get: () => layer.opacity, set: (v) => { layer.opacity = v; }, text: (v) => `${Math.round(v * 100)} %` }),
    ...(field.kind === "contours" ? [slider({
      id: `lines-${field.name}`, label: "Lines", min: 2, max: 100, step: 1, get: () => layer.lines, set: (v) => { layer.lines = v; }, text: (v) => String(v - 1),
    })] : []),
    mapChoice(`map-${field.name}`, () => layer.colormap, (name) => { layer.colormap = name; }),
    colourBar(() => layer.colormap, () => field.limits, () => field.unit, field.kind === "overlay" && !field.masked && !field.is_mask));
  box.addEventListener("change", () => { layer.on = box.checked; changed(); });
  updates.push(() => { box.checked = layer.on; settings.hidden = !layer.on; });
  return make("div", { className: "layer" }, make("label", { title: field.description }, box, field.title, make("kbd", {}, String(place + 1))), settings);
}

function point() {
  const table = make("table", { id: "values" }), body = make("tbody");
  table.append(body);
  const empty = make("p", { className: "empty" }, "Click a sample to read its values.");
  updates.push(() => {
    const rows = state.values ? valueRows(state.values) : [];
    empty.hidden = rows.length > 0;
    body.replaceChildren(...rows);
  });
  const button = make("button", { className: "plain", title: "The horizon through this point" }, "Horizon");
  button.addEventListener("click", () => addHorizon(state.values.values[timeField().name], state.values.at));
  updates.push(() => { button.hidden = !timeField() || !state.values || state.values.values[timeField().name] === null; });
  const section = group("Point", empty, table);
  section.firstChild.append(button);
  return section;
}

function valueRows({ at, values }) {
  const row = (name, text, data, edge = "") => make("tr", { data, className: edge }, make("th", {}, name), make("td", {}, text));
  const places = state.axes.map((axis, i) => row(capital(axis.name), placeText(axis, at[i]), { axis: axis.name }));
  const xy = coordinatesOf(at);
  if (xy) places.push(row("X, Y", xy.map((each) => number(each, 9)).join(", "), { axis: "xy" }));
  const found = Object.entries(values).map(([name, value], i) => {
    const field = state.fields[name];
    return row(field.title, value === null ? "no data" : number(value) + field.unit, { field: name }, i === 0 ? "first" : "");
  });
  places.at(-1).className = "last";
  return [...places, ...found];
}

function coordinatesOf(at) {
  const { coordinates: matrix, course } = state.info;
  if (course) return course[at[1]]; // of a crooked line
  if (!matrix) return null;
  const places = [1, ...at.slice(1).map((i, k) => position(state.axes[k + 1], i)), 0];
  return matrix.map((row) => row.reduce((sum, factor, k) => sum + factor * places[k], 0));
}

function display(showHelp) {
  const aspect = make("select", { id: "aspect" }, ...[["fit", "Fit the panel"], ["0.5", "1 : 2"], ["1", "1 : 1"], ["2", "2 : 1"], ["3", "3 : 1"], ["5", "5 : 1"], ["10", "10 : 1"]]
    .map(([value, text]) => make("option", { value }, text)));
  aspect.addEventListener("change", () => { state.aspect = aspect.value; changed(); });
  updates.push(() => { aspect.value = state.aspect; });
  const toggle = (id, text, key) => {
    const box = make("input", { type: "checkbox", id, checked: state[key] });
    box.addEventListener("change", () => { state[key] = box.checked; changed(); });
    updates.push(() => { box.checked = state[key]; });
    return make("div", { className: "row wide" }, make("span"), make("label", {}, box, ` ${text}`));
  };
  const help = make("button", { className: "plain", title: "Keys and mouse (?)" }, "Keys ?");
  help.addEventListener("click", showHelp);
  const section = group("Display",
    make("div", { className: "row wide" }, make("label", { htmlFor: "aspect", title: "Height of a sample to its width (vertical exaggeration)" }, "Exaggeration"), aspect),
    ...(three() ? [slider({ id: "tall", label: "3D height", min: 0.25, max: 3, step: 0.25, get: () => state.tall, set: (v) => { state.tall = v; }, text: (v) => `${v} ×` })] : []),
    ...(timeField() ? [toggle("flat", "Flatten along time", "flat")] : []),
    toggle("smooth", "Smooth samples", "smooth"), ...(three() ? [toggle("crosshair", "Crosshair", "crosshair")] : []));
  section.firstChild.append(help);
  return section;
}
