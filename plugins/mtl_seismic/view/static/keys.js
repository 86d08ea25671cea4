// The keyboard, and the page that explains it.

import { clearPicked, toggleDrawing } from "./lists.js";
import { endStick, redo, undo } from "./picks.js";
import { changed, setIndex, state, three, timeField } from "./state.js";
import { make } from "./text.js";

const KEYS = [
  ["Wheel", "next slice (Alt: ten); with Ctrl: zoom", true],
  ["Wheel", "zoom", false],
  ["Drag", "move the zoomed section"],
  ["Double click", "whole section"],
  ["Click", "values at a sample; the other slices go there", true],
  ["Click", "values at a sample", false],
  ["Shift + click", "horizon through the point"],
  ["Alt + click", "one more point of the last horizon, which passes through it"],
  ["← →", "inline back and forth (Shift: ten)", true],
  ["↑ ↓", "depth up and down (Shift: ten)", true],
  ["[ ]", "crossline back and forth (Shift: ten)", true],
  ["+ − 0", "zoom in, out, whole section"],
  ["1 … 9", "overlay on or off"],
  ["b", "image, denoised image, difference"],
  ["h", "pick horizons; c clears the picked ones"],
  ["f", "draw faults: Enter ends a stick, Backspace takes a node back, Escape drops the stick"],
  ["Ctrl + Z", "undo; with Shift: redo"],
  ["t", "flattened section, and back"],
  ["m", "one section large, and back", true],
];

export function fillHelp(dialog) {
  const rows = KEYS.filter(([, , onlyThree]) => onlyThree === undefined || onlyThree === three())
    .map(([key, text]) => make("tr", {}, make("th", {}, key), make("td", {}, text)));
  const close = make("button", { textContent: "Close" });
  close.addEventListener("click", () => dialog.close());
  dialog.append(make("h2", {}, "Keys and mouse"), make("table", {}, make("tbody", {}, ...rows)), close);
}

export function bindKeys(panels, help) {
  let active = panels[0];
  for (const panel of panels) {
    for (const kind of ["pointerenter", "focus"]) panel.canvas.addEventListener(kind, () => { active = panel; });
  }
  document.addEventListener("keydown", (event) => {
    if (help.open || typing(event.target)) return;
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z") {
      (event.shiftKey ? redo : undo)();
      event.preventDefault();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (act(event, active, panels, help)) event.preventDefault();
  });
}

/** Whether an element has a use for keys itself. */
const typing = (element) => element.matches("input[type=number], input[type=text], input[type=range], input[type=radio], select");

function act(event, active, panels, help) {
  const step = event.shiftKey ? 10 : 1;
  const move = { ArrowLeft: [1, -1], ArrowRight: [1, 1], ArrowUp: [0, -1], ArrowDown: [0, 1], "[": [2, -1], "]": [2, 1], "{": [2, -1], "}": [2, 1] }[event.key];
  if (move && three()) {
    setIndex(move[0], state.index[move[0]] + move[1] * step);
    return true;
  }
  const shown = state.large === null ? active : panels[state.large] ?? active;
  if (event.key === "+" || event.key === "=") shown.zoomAt(1.25);
  else if (event.key === "-") shown.zoomAt(0.8);
  else if (event.key === "0") panels.forEach((panel) => panel.reset());
  else if (event.key === "m" && three()) shown.enlarge();
  else if (event.key === "?") help.showModal();
  else if (event.key === "h" && timeField()) state.picking = !state.picking;
  else if (event.key === "c") clearPicked();
  else if (event.key === "f") toggleDrawing();
  else if (event.key === "t" && timeField()) state.flat = !state.flat;
  else if (event.key === "Enter" && state.stick?.length) endStick();
  else if (event.key === "Backspace" && state.stick?.length) state.stick.pop();
  else if (event.key === "Escape" && state.stick !== null) state.stick = state.stick.length ? [] : null;
  else if (event.key === "b") nextBase();
  else if (/^[1-9]$/.test(event.key) && state.layers[event.key - 1]) state.layers[event.key - 1].on = !state.layers[event.key - 1].on;
  else return false;
  changed();
  return true;
}

function nextBase() {
  const choices = [...document.querySelectorAll("input[name=base]")].map((input) => input.value);
  state.base = choices[(choices.indexOf(state.base) + 1) % choices.length];
}
