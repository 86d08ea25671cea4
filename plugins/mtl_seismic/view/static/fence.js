// The three slices in space. Drag turns it.

import { state } from "./state.js";
import { capital, make } from "./text.js";

const COLOURS = ["#86a8ff", "#e6b450", "#58c9a9"];

export class Fence {
  constructor(panels) {
    this.panels = Object.fromEntries(panels.map((panel) => [panel.view.axis, panel]));
    Object.assign(this, { turn: -0.62, tilt: 0.5 });
    this.canvas = make("canvas", { id: "fence", tabIndex: 0, ariaLabel: "The slices in space" });
    this.stage = make("div", { className: "stage" }, this.canvas);
    this.element = make("article", { className: "panel fence" }, make("header", {}, make("b", {}, "Volume")), this.stage);
    new ResizeObserver(() => this.draw()).observe(this.stage);
    this.listen();
  }

  listen() {
    let last = null;
    this.canvas.addEventListener("pointerdown", (event) => {
      this.canvas.setPointerCapture(event.pointerId);
      this.canvas.classList.add("moving");
      last = [event.clientX, event.clientY];
    });
    this.canvas.addEventListener("pointermove", (event) => {
      if (!last) return;
      this.turn -= (event.clientX - last[0]) * 0.008;
      this.tilt = Math.min(Math.max(this.tilt + (event.clientY - last[1]) * 0.006, 0.06), 1.5);
      last = [event.clientX, event.clientY];
      this.draw();
    });
    for (const end of ["pointerup", "pointercancel"]) {
      this.canvas.addEventListener(end, () => { last = null; this.canvas.classList.remove("moving"); });
    }
  }

  /** Edge lengths of the box: as the numbers of samples, but no edge is less than half of another. */
  get edges() {
    const sizes = state.axes.map((axis) => axis.size);
    const most = Math.max(...sizes);
    return sizes.map((size) => Math.max(size / most, 0.5));
  }

  /** Where a corner (shares of the edges) falls, before scaling: across, down, and towards the eye. */
  project(share) {
    const [z, y, x] = share.map((value, axis) => (value - 0.5) * this.edges[axis]);
    const cos = Math.cos(this.turn), sin = Math.sin(this.turn);
    const across = x * cos - y * sin, back = x * sin + y * cos;
    const sinTilt = Math.sin(this.tilt), cosTilt = Math.cos(this.tilt);
    return [across, z * cosTilt - back * sinTilt, -back * cosTilt - z * sinTilt];
  }

  draw() {
    const { clientWidth: width, clientHeight: height } = this.stage;
    if (!width || !height || Object.values(this.panels).some((panel) => !panel.pictures)) return;
    const ratio = window.devicePixelRatio || 1;
    [this.canvas.width, this.canvas.height] = [Math.round(width * ratio), Math.round(height * ratio)];
    const context = this.canvas.getContext("2d");
    const scale = Math.min(width / 1.75, height / 1.6) * ratio;
    const place = (share) => {
      const [across, down] = this.project(share);
      return [(width * ratio) / 2 + across * scale, (height * ratio) / 2 + down * scale];
    };
    this.drawBox(context, place, ratio);
    for (const quarter of this.quarters()) this.drawQuarter(context, place, quarter);
    this.drawNames(context, place, ratio);
  }

  /** The slices' quarters from far to near; each slice is cut where the two others pass through it. */
  quarters() {
    const towards = [0, 1, 2].map((axis) => {
      const step = [0.5, 0.5, 0.5];
      step[axis] = 1;
      return this.project(step)[2] > 0;
    });
    const order = (axis) => (towards[axis] ? [0, 1] : [1, 0]);
    const list = [];
    const half = (side) => {
      const [far, near] = order(1);
      list.push({ axis: 2, sides: { 0: side, 1: far } });
      for (const other of order(2)) list.push({ axis: 1, sides: { 0: side, 2: other } });
      list.push({ axis: 2, sides: { 0: side, 1: near } });
    };
    const [far, near] = order(0);
    half(far);
    for (const one of [0, 1]) for (const other of [0, 1]) list.push({ axis: 0, sides: { 1: one, 2: other } });
    half(near);
    return list;
  }

  drawQuarter(context, place, { axis, sides }) {
    const { pictures, view } = this.panels[axis];
    const share = (number) => (state.index[number] + 0.5) / state.axes[number].size;
    const range = (number) => (sides[number] ? [share(number), 1] : [0, share(number)]);
    const rows = range(view.rows), cols = range(view.cols);
    const corner = (row, col) => {
      const at = [0, 0, 0];
      [at[axis], at[view.rows], at[view.cols]] = [share(axis), row, col];
      return place(at);
    };
    const origin = corner(rows[0], cols[0]), right = corner(rows[0], cols[1]), below = corner(rows[1], cols[0]);
    const source = [cols[0] * pictures.cols, rows[0] * pictures.rows, (cols[1] - cols[0]) * pictures.cols, (rows[1] - rows[0]) * pictures.rows];
    if (source[2] <= 0 || source[3] <= 0) return;
    context.setTransform(right[0] - origin[0], right[1] - origin[1], below[0] - origin[0], below[1] - origin[1], ...origin);
    for (const picture of [pictures.base, ...pictures.overlays]) context.drawImage(picture, ...source, 0, 0, 1, 1);
    context.setTransform(1, 0, 0, 1, 0, 0);
    this.drawOutline(context, axis, [rows, cols, corner]);
  }

  /** The quarter's outer edges, in the colour of its axis. */
  drawOutline(context, axis, [rows, cols, corner]) {
    const row = rows[0] === 0 ? 0 : 1, col = cols[0] === 0 ? 0 : 1;
    context.strokeStyle = COLOURS[axis];
    context.lineWidth = 1.2 * (window.devicePixelRatio || 1);
    context.beginPath();
    context.moveTo(...corner(rows[1 - row], cols[col]));
    context.lineTo(...corner(rows[row], cols[col]));
    context.lineTo(...corner(rows[row], cols[1 - col]));
    context.stroke();
  }

  drawBox(context, place, ratio) {
    context.strokeStyle = "#464c55";
    context.lineWidth = ratio;
    context.beginPath();
    for (let axis = 0; axis < 3; axis += 1) {
      for (const one of [0, 1]) {
        for (const other of [0, 1]) {
          const [start, end] = [0, 1].map((at) => { const share = [one, one, one]; share[(axis + 1) % 3] = other; share[axis] = at; return share; });
          context.moveTo(...place(start));
          context.lineTo(...place(end));
        }
      }
    }
    context.stroke();
  }

  drawNames(context, place, ratio) {
    context.font = `${11 * ratio}px system-ui, "Segoe UI", Roboto, Arial, sans-serif`;
    context.textAlign = "center";
    context.textBaseline = "middle";
    const at = [[0.5, -0.06, -0.06], [1.06, 0.5, -0.04], [1.06, -0.04, 0.5]];
    for (let axis = 0; axis < 3; axis += 1) {
      context.fillStyle = COLOURS[axis];
      context.fillText(capital(state.axes[axis].name), ...place(at[axis]));
    }
  }
}
