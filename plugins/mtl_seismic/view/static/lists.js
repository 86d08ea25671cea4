// The lists of horizons and faults, and the map of a horizon.

import { knownMap, mapNames, paintBar } from "./colour.js";
import { mapTitle } from "./panel.js";
import { canRedo, canUndo, change, endStick, picked, redo, remove, rename, undo } from "./picks.js";
import { mapLimits } from "./raster.js";
import { changed, state, three, timeField } from "./state.js";
import { make, number } from "./text.js";

const updates = [];
export const updateLists = () => updates.forEach((each) => each());

const button = (text, properties, act) => {
  const it = make("button", { className: "plain", ...properties }, text);
  it.addEventListener("click", act);
  return it;
};

/** Fill a list anew where what it shows has changed: elements that are being typed in stay as they are. */
function filled(list, items, row) {
  let shown = null;
  updates.push(() => {
    const now = JSON.stringify(items().map(({ name, colour, on, source, value, points, figures }) => [name, colour, on, source, value, points?.length, figures?.median_throw]))
      + items().indexOf(state.active) + items().indexOf(state.map?.horizon);
    if (now === shown) return;
    shown = now;
    list.replaceChildren(...items().map(row));
  });
}

/** One horizon or fault: shown or not, colour, name, figures, and what can be done with it. */
function entry(item, list, about, ...more) {
  const own = item.source === "pick";
  const box = make("input", { type: "checkbox", checked: item.on, ariaLabel: `Show ${item.name}` });
  box.addEventListener("change", () => { item.on = box.checked; changed(); });
  const colour = make("input", { type: "color", value: item.colour, ariaLabel: `Colour of ${item.name}` });
  colour.addEventListener("change", () => {
    if (own) change(() => { item.colour = colour.value; });
    else { item.colour = colour.value; changed(); }
  });
  const name = own ? make("input", { type: "text", value: item.name, ariaLabel: "Name", className: "name" }) : make("span", { className: "name", title: item.name }, item.name);
  if (own) {
    name.addEventListener("change", () => rename(item, list(), name.value));
    name.addEventListener("focus", () => { if (state.active !== item) { state.active = item; changed(); } });
  }
  const gone = own ? button("×", { ariaLabel: `Remove ${item.name}` }, () => remove(item)) : null;
  return make("li", { className: state.active === item ? "active" : "", title: about }, box, colour, name, ...more, gone);
}

const showAll = (list) => button("All", { title: "Show all, or none" }, () => {
  const on = !list().every((each) => each.on);
  for (const each of list()) each.on = on;
  changed();
});

export function horizons(group) {
  const list = make("ul", { id: "horizons" });
  const empty = make("p", { className: "empty" }, "Press Pick, then click a reflector; or Shift-click one. Alt-click adds a point to the last.");
  const pick = make("button", { id: "pick-horizon", title: "Click a point to draw the horizon through it (h)" }, "Pick");
  pick.addEventListener("click", () => { state.picking = !state.picking; state.stick = null; changed(); });
  const clear = button("Clear", { id: "clear-horizons", title: "Remove all picked horizons" }, clearPicked);
  filled(list, () => state.horizons, (horizon) => {
    const about = `${timeField().title} ${number(horizon.value, 4)}${horizon.points ? `, ${horizon.points.length} points` : ""}`;
    const map = three() ? button("Map", { ariaPressed: String(state.map?.horizon === horizon), title: "A map of this horizon" }, () => showMap(horizon)) : null;
    return entry(horizon, () => state.horizons, about, map);
  });
  updates.push(() => {
    pick.setAttribute("aria-pressed", String(state.picking));
    empty.hidden = state.horizons.length > 0;
    clear.hidden = !picked(state.horizons).length;
  });
  const section = group("Horizons", list, empty, ...(three() ? [map()] : []));
  section.firstChild.append(make("span", {}, clear, showAll(() => state.horizons), " ", pick));
  return section;
}

/** Remove all picked horizons; undo brings them back. */
export function clearPicked() {
  if (!picked(state.horizons).length) return;
  change(() => { state.horizons = state.horizons.filter((each) => each.source !== "pick"); });
  if (state.map && !state.horizons.includes(state.map.horizon)) state.map = null;
}

function showMap(horizon) {
  const same = state.map?.horizon === horizon;
  state.map = same ? null : { field: "depth", statistic: "value", half: 8, colormap: "viridis", ...state.map, horizon };
  horizon.on ||= !same;
  changed();
}

function map() {
  const box = make("div", { className: "layer", id: "map" });
  const choice = (id, label, options, get, set) => {
    const select = make("select", { id, ariaLabel: label }, ...options.map(([value, text]) => make("option", { value }, text)));
    select.addEventListener("change", () => { set(select.value); changed(); });
    updates.push(() => { if (state.map) select.value = get(); });
    return make("div", { className: "row wide" }, make("label", { htmlFor: id }, label), select);
  };
  const fields = state.info.fields.filter((field) => field !== timeField()).map((field) => [field.name, field.title]);
  const field = choice("map-field", "Map of", [["depth", state.axes[0].name], ["quality", "quality"], ...fields], () => state.map.field, (value) => {
    const known = state.fields[value];
    Object.assign(state.map, { field: value, colormap: knownMap(known ? known.colormap : "viridis") });
    if (!known) state.map.statistic = "value";
  });
  const statistic = choice("map-statistic", "Taking", [["value", "value there"], ["rms", "RMS around"], ["mean", "mean around"], ["maximum", "maximum"], ["minimum", "minimum"]],
    () => state.map.statistic, (value) => { state.map.statistic = value; if (value === "rms") state.map.colormap = "viridis"; });
  const half = make("input", { type: "range", id: "map-half", min: 1, max: 40, step: 1, value: 8 }), said = make("output", {});
  half.addEventListener("input", () => { state.map.half = Number(half.value); changed(); });
  const window_ = make("div", { className: "row" }, make("label", { htmlFor: "map-half" }, "± samples"), half, said);
  const colours = choice("map-colours", "Colours", mapNames().map((name) => [name, name.replace("_", " ")]), () => state.map.colormap, (name) => { state.map.colormap = name; });
  const canvas = make("canvas"), low = make("span"), high = make("span"), title = make("p", { className: "about" });
  box.append(title, field, statistic, window_, colours, make("div", { className: "bar" }, low, canvas, high));
  updates.push(() => {
    box.hidden = state.map === null;
    if (!state.map) return;
    const amplitude = Boolean(state.fields[state.map.field]);
    statistic.hidden = !amplitude;
    window_.hidden = !amplitude || state.map.statistic === "value";
    said.textContent = `±${state.map.half}`;
    title.textContent = `${state.map.horizon.name}: ${mapTitle()}`;
    paintBar(canvas, state.map.colormap, false);
    const limits = state.mapShown ? mapLimits(state.mapShown) : [NaN, NaN];
    [low.textContent, high.textContent] = limits.map((limit) => number(limit, 4));
  });
  return box;
}

export function faults(group) {
  const list = make("ul", { id: "faults" });
  const empty = make("p", { className: "empty" }, "Press Draw, then click along a fault; Enter ends the stick.");
  const draw = make("button", { id: "draw-fault", title: "Click the nodes of sticks (f); Enter ends one, Escape drops it" }, "Draw");
  const fresh = button("New", { id: "new-fault", title: "The next stick begins another fault" }, () => { state.active = null; changed(); });
  draw.addEventListener("click", toggleDrawing);
  filled(list, () => state.faults, (fault) => entry(fault, () => state.faults, aboutFault(fault)));
  updates.push(() => {
    draw.setAttribute("aria-pressed", String(state.stick !== null));
    empty.hidden = state.faults.length > 0;
    fresh.hidden = state.stick === null;
  });
  const section = group("Faults", list, empty, history());
  section.firstChild.append(make("span", {}, showAll(() => state.faults), fresh, " ", draw));
  return section;
}

export function toggleDrawing() {
  if (state.stick?.length) endStick();
  state.stick = state.stick === null ? [] : null;
  state.picking = false;
  if (!state.faults.includes(state.active)) state.active = null;
  changed();
}

function aboutFault({ figures, sticks }) {
  if (!figures) return `${sticks.length} sticks, drawn`;
  const throw_ = figures.median_throw === null || figures.median_throw === undefined ? "not resolved" : `${number(figures.median_throw, 3)} samples`;
  return `dip ${number(figures.dip_from_horizontal, 3)}°, throw ${throw_}, ${figures.size} samples`;
}

function history() {
  const back = button("Undo", { id: "undo", title: "Ctrl+Z" }, undo), again = button("Redo", { id: "redo", title: "Ctrl+Shift+Z" }, redo);
  const saved = make("span", { className: "about", id: "saved" });
  updates.push(() => {
    [back.disabled, again.disabled] = [!canUndo(), !canRedo()];
    const any = picked(state.horizons).length + picked(state.faults).length;
    saved.textContent = any ? "Picks are saved in picks.json" : "";
  });
  return make("div", { className: "history" }, back, again, saved);
}
