// Horizons and faults: those of the result's folders, and those picked by hand, which are saved as they change.

import { loadFaults, loadHorizon, loadInterpretation, savePicks } from "./data.js";
import { FAULT_COLOURS, HORIZON_COLOURS, changed, freeColour, freeName, state } from "./state.js";

const MOST_SHOWN = 24;
let revision = "", saving = Promise.resolve(), complain = () => {};
const past = [], future = [];

export const picked = (list) => list.filter((each) => each.source === "pick");

export async function loadPicks(fail) {
  complain = fail;
  const found = await loadInterpretation();
  revision = found.revision;
  state.horizons = found.horizons.map((horizon, i) => ({
    source: "file", name: horizon.name, value: horizon.rgt, on: i < MOST_SHOWN, layers: null, colour: HORIZON_COLOURS[i % HORIZON_COLOURS.length],
  }));
  state.faults = found.faults.map((fault, i) => ({
    source: "file", name: fault.name, figures: fault, on: true, mesh: null, colour: FAULT_COLOURS[i % FAULT_COLOURS.length],
  }));
  take(found.picks);
  if (state.faults.some((fault) => fault.source === "file")) loadMeshes();
}

async function loadMeshes() {
  try {
    const meshes = Object.fromEntries((await loadFaults()).map((fault) => [fault.name, fault]));
    for (const fault of state.faults) if (fault.source === "file") fault.mesh = meshes[fault.name] ?? null;
    changed();
  } catch (error) {
    complain(error);
  }
}

/** Ask for the depths of every horizon that is shown; until they are there, it is drawn from time, slice by slice. */
export function loadLayers() {
  for (const horizon of state.horizons) {
    if (!horizon.on || horizon.layers || horizon.asked) continue;
    horizon.asked = true;
    loadHorizon(horizon).then((layers) => { horizon.layers = layers; changed(); }, complain);
  }
}

/** The picks as they are saved. */
function content() {
  return {
    shape: state.axes.map((axis) => axis.size),
    horizons: picked(state.horizons).map(({ name, colour, points }) => ({ name, colour, points })),
    faults: picked(state.faults).map(({ name, colour, sticks }) => ({ name, colour, sticks })),
  };
}

/** Put saved picks in place of the present ones; what has not changed keeps what was loaded for it. */
function take(picks) {
  const before = picked(state.horizons);
  const horizons = picks.horizons.map((horizon) => {
    const same = before.find((other) => JSON.stringify(other.points) === JSON.stringify(horizon.points));
    return { on: true, layers: null, value: null, ...same, ...horizon, source: "pick" };
  });
  const faults = picks.faults.map((fault) => ({ on: true, ...fault, source: "pick", mesh: ruled(fault.sticks) }));
  state.horizons = [...state.horizons.filter((each) => each.source === "file"), ...horizons];
  state.faults = [...state.faults.filter((each) => each.source === "file"), ...faults];
  state.active = [...horizons, ...faults].find((each) => each.name === state.active?.name) ?? null;
}

/** Change the picks: { undo } brings back what was before. */
export function change(act) {
  past.push(JSON.stringify(content()));
  if (past.length > 200) past.shift();
  future.length = 0;
  act();
  save();
  changed();
}

function save() {
  const picks = content();
  saving = saving.then(async () => {
    try {
      revision = await savePicks(revision, picks);
      delete document.body.dataset.unsaved;
    } catch (error) {
      document.body.dataset.unsaved = "1";
      complain(error);
    }
  });
  document.body.dataset.unsaved = "1";
}

const step = (from, to) => () => {
  if (!from.length) return;
  to.push(JSON.stringify(content()));
  take(JSON.parse(from.pop()));
  save();
  changed();
};
export const undo = step(past, future);
export const redo = step(future, past);
export const canUndo = () => past.length > 0;
export const canRedo = () => future.length > 0;

export function addHorizon(value, at) {
  if (!Number.isFinite(value)) return;
  change(() => {
    const horizon = {
      source: "pick", name: freeName("Horizon", state.horizons, true), colour: freeColour(HORIZON_COLOURS, state.horizons),
      on: true, value, at: [...at], points: [[...at]], layers: null,
    };
    state.horizons.push(horizon);
    state.active = horizon;
  });
}

/** One more point that the active horizon must pass through. */
export function addPoint(at) {
  const horizon = state.horizons.find((each) => each === state.active && each.source === "pick");
  if (!horizon) return false;
  change(() => {
    Object.assign(horizon, { points: [...horizon.points, [...at]], layers: null, asked: false });
  });
  return true;
}

/** End the stick that is being drawn: it goes to the active fault, or begins one. */
export function endStick() {
  const nodes = state.stick;
  state.stick = nodes === null ? null : [];
  if (!nodes || nodes.length < 2) { changed(); return; }
  change(() => {
    let fault = state.faults.find((each) => each === state.active && each.source === "pick");
    if (!fault) {
      fault = { source: "pick", name: freeName("Fault", state.faults, true), colour: freeColour(FAULT_COLOURS, state.faults), on: true, sticks: [] };
      state.faults.push(fault);
    }
    fault.sticks = [...fault.sticks, nodes];
    fault.mesh = ruled(fault.sticks);
    state.active = fault;
  });
}

export function rename(item, list, wish) {
  const name = wish.replace(/["\p{C}]/gu, "").trim().slice(0, 80);
  if (!name || name === item.name) { changed(); return; }
  change(() => { item.name = freeName(name, list.filter((other) => other !== item)); });
}

export function remove(item) {
  const kind = state.horizons.includes(item) ? "horizons" : "faults";
  change(() => { state[kind] = state[kind].filter((other) => other !== item); });
  if (state.map?.horizon === item) state.map = null;
}

const NODES = 24;

/** Triangles between neighbouring sticks, each with as many nodes, equally far apart along it. */
export function ruled(sticks) {
  const three = sticks[0]?.[0]?.length === 3;
  if (!three) {
    const points = sticks.flat();
    let start = 0;
    const cells = sticks.flatMap((stick) => { const first = start; start += stick.length; return stick.slice(1).map((_, i) => [first + i, first + i + 1]); });
    return { points, cells };
  }
  const along = sticks.map((stick) => spaced(stick[0][0] <= stick.at(-1)[0] ? stick : [...stick].reverse()));
  const middle = (line) => [1, 2].map((axis) => line.reduce((sum, node) => sum + node[axis], 0) / line.length);
  const middles = along.map(middle);
  const spread = [0, 1].map((k) => Math.max(...middles.map((m) => m[k])) - Math.min(...middles.map((m) => m[k])));
  const by = spread[0] >= spread[1] ? 0 : 1;
  const order = along.map((_, i) => i).sort((one, other) => middles[one][by] - middles[other][by]);
  const points = order.flatMap((i) => along[i]), cells = [];
  for (let k = 0; k + 1 < order.length; k += 1) {
    for (let n = 0; n + 1 < NODES; n += 1) {
      const a = k * NODES + n, b = a + NODES;
      cells.push([a, a + 1, b], [b, a + 1, b + 1]);
    }
  }
  return { points, cells };
}

/** A line as NODES nodes, equally far apart along it. */
function spaced(line) {
  const lengths = [0];
  for (let i = 1; i < line.length; i += 1) lengths.push(lengths[i - 1] + Math.hypot(...line[i].map((at, k) => at - line[i - 1][k])));
  return Array.from({ length: NODES }, (_, n) => {
    const wanted = (n / (NODES - 1)) * lengths.at(-1);
    const i = Math.min(Math.max(lengths.findIndex((length) => length >= wanted), 1), line.length - 1);
    const share = (wanted - lengths[i - 1]) / (lengths[i] - lengths[i - 1] || 1);
    return line[i].map((at, k) => line[i - 1][k] + share * (at - line[i - 1][k]));
  });
}
