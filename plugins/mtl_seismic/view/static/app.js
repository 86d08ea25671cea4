// Start: load the description, build the page, and keep it in step with the state.

import { buildControls, update } from "./controls.js";
import { setMaps, knownMap } from "./colour.js";
import { loadColourMaps, loadInfo, loadValues } from "./data.js";
import { Fence } from "./fence.js";
import { bindKeys, fillHelp } from "./keys.js";
import { Panel } from "./panel.js";
import { loadLayers, loadPicks } from "./picks.js";
import { changed, onChange, setIndex, setUp, state, three } from "./state.js";

const body = document.body;
const message = document.getElementById("message");
let hiding = 0;

function fail(error) {
  message.textContent = error.message;
  message.hidden = false;
  clearTimeout(hiding);
  hiding = setTimeout(() => { message.hidden = true; }, 8000);
}

/** Move the slices to a sample and show its values. */
async function pick(index) {
  state.picked = index;
  if (three()) index.forEach((at, axis) => setIndex(axis, at));
  changed();
  try {
    const values = await loadValues(index);
    if (state.picked !== index) return; // another point was picked meanwhile
    state.values = values;
    changed();
  } catch (error) {
    fail(error);
  }
}

function layOut(main, elements) {
  main.className = three() && state.large === null ? "three" : "single";
  elements.forEach((element, place) => element.classList.toggle("large", !three() || place === state.large));
}

async function start() {
  const [info, maps] = await Promise.all([loadInfo(), loadColourMaps()]);
  setMaps(maps);
  setUp(info);
  await loadPicks(fail);
  state.baseMap = knownMap(state.fields.image.colormap);
  document.title = `${info.name} – mtl view`;
  const panels = state.views.map((view, place) => new Panel(view, place, { pick, fail }));
  const fence = three() ? new Fence(panels) : null;
  const elements = [...panels, ...(fence ? [fence] : [])].map((panel) => panel.element);
  const main = document.getElementById("panels");
  const help = document.getElementById("help");
  fillHelp(help);
  buildControls(document.getElementById("controls"), { showHelp: () => help.showModal() });
  main.append(...elements);
  bindKeys(panels, help);
  onChange(async () => {
    layOut(main, elements);
    loadLayers();
    await Promise.all(panels.map((panel) => panel.refresh()));
    state.mapShown = panels.find((panel) => panel.pictures?.map)?.pictures.map ?? null;
    update();
    fence?.draw();
    if (!panels.some((panel) => panel.busy)) body.dataset.busy = "0";
  });
  window.viewer = { state, panels, fence, changed };
  changed();
}

start().catch((error) => { fail(error); clearTimeout(hiding); });
