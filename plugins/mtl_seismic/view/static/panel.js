// One slice: picture, axes, crosshair, zoom, and what the mouse does on it.

import { css } from "./colour.js";
import { drawAxes, drawScale } from "./axes.js";
import { addHorizon, addPoint, endStick } from "./picks.js";
import { base, isFlat, isMap, loadMap, loadView, render, renderMap } from "./raster.js";
import { changed, setIndex, sliceOf, state, three, timeField } from "./state.js";
import { capital, make, number, placeText } from "./text.js";

const MARGIN = { left: 58, right: 14, top: 4, bottom: 40 };
const AXIS_COLOURS = ["#86a8ff", "#e6b450", "#58c9a9"];

/** What the map shows, with its unit. */
export function mapTitle() {
  const { field, statistic, half } = state.map;
  if (field === "depth") return `${state.axes[0].name}${state.axes[0].unit ? ` (${state.axes[0].unit})` : ""}`;
  if (field === "quality") return "quality";
  const { title } = state.fields[field];
  return statistic === "value" ? title : `${statistic === "rms" ? "RMS" : statistic} of ${title} within ±${half} samples`;
}

export class Panel {
  constructor(view, place, { pick, fail }) {
    Object.assign(this, { view, place, pick, fail, zoom: 1, centre: null, pictures: null, busy: false, again: false });
    this.title = make("b");
    this.readout = make("span", { className: "readout" });
    this.canvas = make("canvas", { tabIndex: 0, id: `slice-${view.axis}` });
    this.stage = make("div", { className: "stage" }, this.canvas);
    const large = three() ? make("button", { className: "plain", title: "Enlarge (m)", ariaLabel: "Enlarge", textContent: "⤢" }) : null;
    large?.addEventListener("click", () => this.enlarge());
    const dot = three() ? make("span", { className: "dot", colour: AXIS_COLOURS[view.axis] }) : null;
    this.element = make("article", { className: "panel" }, make("header", {}, make("span", {}, dot, this.title), this.readout, large), this.stage);
    new ResizeObserver(() => this.draw()).observe(this.stage);
    this.listen();
  }

  /** Load what is missing, then draw; while something loads, only the newest wish is kept. */
  async refresh() {
    if (this.busy) { this.again = true; return; }
    this.busy = true;
    try {
      do {
        this.again = false;
        const index = sliceOf(this.view);
        this.pictures = isMap(this.view) ? renderMap(this.view, await loadMap(), this.pictures)
          : render(this.view, await loadView(this.view, index), this.pictures);
        this.shown = index;
        this.draw();
      } while (this.again);
    } catch (error) {
      this.fail(error);
    } finally {
      this.busy = false;
    }
  }

  enlarge() {
    state.large = state.large === this.place ? null : this.place;
    changed();
  }

  /** The drawing area in the canvas, in CSS pixels. */
  get plot() {
    const { clientWidth, clientHeight } = this.stage;
    return {
      x: MARGIN.left, y: MARGIN.top,
      w: Math.max(clientWidth - MARGIN.left - MARGIN.right, 10), h: Math.max(clientHeight - MARGIN.top - MARGIN.bottom, 10),
    };
  }

  /** Pixels per sample, across and down. */
  get scale() {
    const { w, h } = this.plot;
    const across = w / this.cols, down = h / this.rows;
    if (state.aspect === "fit") return [across * this.zoom, down * this.zoom];
    const ratio = Number(state.aspect);
    const unit = Math.min(across, down / ratio) * this.zoom;
    return [unit, unit * ratio];
  }

  /** The axis that runs down: of time where the section is flattened. */
  get downAxis() {
    const size = this.rows;
    return isFlat(this.view) ? { name: timeField().title, size, origin: 0, step: 1 / (size - 1), unit: "" } : state.axes[this.view.rows];
  }

  get rows() { return state.axes[this.view.rows].size; }

  get cols() { return state.axes[this.view.cols].size; }

  /** From samples to pixels: x = e + a * column, y = f + d * row. */
  get transform() {
    const { x, y, w, h } = this.plot;
    const [across, down] = this.scale;
    const [col, row] = this.limitedCentre(across, down, w, h);
    const sign = this.view.up ? -1 : 1;
    return { a: across, d: sign * down, e: x + w / 2 - across * col, f: y + h / 2 - sign * down * row };
  }

  limitedCentre(across, down, w, h) {
    const middle = [(this.cols - 1) / 2, (this.rows - 1) / 2];
    const half = [Math.max((this.cols - w / across) / 2, 0), Math.max((this.rows - h / down) / 2, 0)];
    const wanted = this.centre ?? middle;
    this.centre = wanted.map((at, i) => Math.min(Math.max(at, middle[i] - half[i]), middle[i] + half[i]));
    return this.centre;
  }

  /** The sample under a pixel, or null beside the section. */
  sampleAt(x, y) {
    const { a, d, e, f } = this.transform, { plot } = this;
    const col = Math.round((x - e) / a), row = Math.round((y - f) / d);
    const inside = x >= plot.x && x <= plot.x + plot.w && y >= plot.y && y <= plot.y + plot.h;
    return inside && col >= 0 && col < this.cols && row >= 0 && row < this.rows ? [col, row] : null;
  }

  /** The pixel of a sample's centre (tests click there). */
  pixelOf(col, row) {
    const { a, d, e, f } = this.transform;
    return [e + a * col, f + d * row];
  }

  fullIndex([col, row]) {
    const index = [...state.index];
    const at = row * this.cols + col;
    if (this.pictures?.places) row = Math.round(this.pictures.places[at]);
    if (isMap(this.view)) {
      const depth = state.map.horizon.layers?.depth[at];
      if (!(depth >= 0)) return null;
      return [Math.round(depth), row, col];
    }
    if (!(row >= 0)) return null;
    index[this.view.cols] = col;
    index[this.view.rows] = row;
    if (three()) index[this.view.axis] = this.shown ?? state.index[this.view.axis];
    return index;
  }

  draw() {
    const { clientWidth, clientHeight } = this.stage;
    const ratio = window.devicePixelRatio || 1;
    const [width, height] = [Math.round(clientWidth * ratio), Math.round(clientHeight * ratio)];
    if (!width || !height) return;
    if (this.canvas.width !== width || this.canvas.height !== height) [this.canvas.width, this.canvas.height] = [width, height];
    const context = this.canvas.getContext("2d", { willReadFrequently: true });
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, clientWidth, clientHeight);
    this.drawTitle();
    if (!this.pictures) return;
    const { plot, transform } = this;
    context.save();
    context.beginPath();
    context.rect(plot.x, plot.y, plot.w, plot.h);
    context.clip();
    this.drawRasters(context, transform);
    this.drawLines(context, transform);
    if (state.crosshair) this.drawCrosshair(context, transform, plot);
    this.drawPicked(context);
    context.restore();
    drawAxes(context, plot, transform, state.axes[this.view.cols], this.downAxis);
    drawScale(context, plot, transform, this.view.cols, state);
  }

  drawTitle() {
    const axis = state.axes[three() ? this.view.axis : 0];
    const text = isMap(this.view) ? `${state.map.horizon.name} – ${mapTitle()}` : null;
    this.title.textContent = text ?? (three() ? `${capital(axis.name)} ${placeText(axis, sliceOf(this.view))}` : "Section");
  }

  drawRasters(context, { a, d, e, f }) {
    context.save();
    context.transform(a, 0, 0, d, e - a / 2, f - d / 2);
    // Large samples are shown as they are.
    context.imageSmoothingEnabled = state.smooth;
    context.imageSmoothingQuality = "high";
    context.drawImage(this.pictures.base, 0, 0);
    // Colours of angles 1 and 179 must not mix: that would be 90.
    context.imageSmoothingEnabled = Math.abs(d) < 1 || a < 1;
    for (const overlay of this.pictures.overlays) context.drawImage(overlay, 0, 0);
    context.restore();
  }

  drawLines(context, { a, d, e, f }) {
    const matrix = new DOMMatrix([a, 0, 0, d, e, f]);
    const stroke = (path, colour, width, opacity) => {
      const moved = new Path2D();
      moved.addPath(path, matrix);
      Object.assign(context, { strokeStyle: colour, lineWidth: width, globalAlpha: opacity });
      context.stroke(moved);
    };
    context.save();
    context.lineJoin = "round";
    for (const { layer, paths, shares } of this.pictures.contours) {
      paths.forEach((path, k) => stroke(path, css(layer.colormap, shares[k]), 1.1, layer.opacity));
    }
    for (const horizon of this.pictures.horizons) {
      stroke(horizon.path, "#000", 4.2, 0.55);
      stroke(horizon.path, horizon.colour, 2.4, 1);
    }
    for (const fault of this.pictures.faults) {
      stroke(fault.path, "#000", 4.6, 0.6);
      stroke(fault.path, fault.colour, 2.2, 1);
    }
    context.restore();
    this.drawNodes(context);
  }

  /** The points and sticks of picks that lie on this slice, and the stick that is being drawn. */
  drawNodes(context) {
    const { view, pictures: { level } } = this;
    if (isMap(view)) return;
    const here = (point) => !three() || Math.abs(point[view.axis] - (this.shown ?? 0)) <= 0.5;
    const place = (point) => this.pixelOf(point[view.cols], level ? level(point[view.cols], point[view.rows]) : point[view.rows]);
    const dot = (point, colour) => {
      context.beginPath();
      context.arc(...place(point), 3.4, 0, 2 * Math.PI);
      Object.assign(context, { fillStyle: colour, strokeStyle: "#000", lineWidth: 1 });
      context.fill();
      context.stroke();
    };
    for (const horizon of state.horizons) if (horizon.on) for (const point of horizon.points ?? []) if (here(point)) dot(point, horizon.colour);
    for (const fault of state.faults) if (fault.on) for (const stick of fault.sticks ?? []) for (const node of stick) if (here(node)) dot(node, fault.colour);
    const nodes = (state.stick ?? []).filter(here);
    if (!nodes.length) return;
    context.beginPath();
    nodes.forEach((node) => context.lineTo(...place(node)));
    Object.assign(context, { strokeStyle: "#fff", lineWidth: 2 });
    context.stroke();
    nodes.forEach((node) => dot(node, "#fff"));
  }

  drawCrosshair(context, { a, d, e, f }, plot) {
    if (!three()) return;
    context.save();
    context.lineWidth = 1;
    context.globalAlpha = 0.75;
    const row = this.levelOf(state.index);
    const x = e + a * state.index[this.view.cols], y = f + d * row;
    const line = (colour, ...ends) => {
      context.strokeStyle = colour;
      context.beginPath();
      context.moveTo(ends[0], ends[1]);
      context.lineTo(ends[2], ends[3]);
      context.stroke();
    };
    line(AXIS_COLOURS[this.view.cols], x, plot.y, x, plot.y + plot.h);
    line(AXIS_COLOURS[this.view.rows], plot.x, y, plot.x + plot.w, y);
    context.restore();
  }

  /** The row at which a sample is drawn: another one where the section is flattened. */
  levelOf(index) {
    const { level } = this.pictures, row = index[this.view.rows];
    return level ? level(index[this.view.cols], row) : row;
  }

  drawPicked(context) {
    if (!state.picked || (three() && !isMap(this.view) && state.picked[this.view.axis] !== this.shown)) return;
    const [x, y] = this.pixelOf(state.picked[this.view.cols], this.levelOf(state.picked));
    for (const [colour, width] of [["#000", 4], ["#fff", 1.8]]) {
      context.beginPath();
      context.arc(x, y, 6, 0, 2 * Math.PI);
      Object.assign(context, { strokeStyle: colour, lineWidth: width });
      context.stroke();
    }
  }

  listen() {
    const { canvas } = this;
    let start = null;
    canvas.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      canvas.setPointerCapture(event.pointerId);
      start = { x: event.clientX, y: event.clientY, centre: [...(this.centre ?? [0, 0])], moved: false };
    });
    canvas.addEventListener("pointermove", (event) => {
      if (start) this.pan(event, start);
      else this.hover(event);
    });
    canvas.addEventListener("pointerup", (event) => {
      const click = start && !start.moved;
      start = null;
      canvas.classList.remove("moving");
      if (click) this.click(event);
    });
    canvas.addEventListener("pointercancel", () => { start = null; });
    canvas.addEventListener("pointerleave", () => { this.readout.textContent = ""; });
    canvas.addEventListener("dblclick", () => { if (state.stick === null) this.reset(); });
    canvas.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
  }

  pan(event, start) {
    const [dx, dy] = [event.clientX - start.x, event.clientY - start.y];
    if (!start.moved && Math.hypot(dx, dy) < 4) return;
    start.moved = true;
    this.canvas.classList.add("moving");
    const { a, d } = this.transform;
    this.centre = [start.centre[0] - dx / a, start.centre[1] - dy / d];
    this.draw();
  }

  hover(event) {
    const sample = this.sampleAt(event.offsetX, event.offsetY);
    if (!sample || !this.pictures) { this.readout.textContent = ""; return; }
    const [col, row] = sample;
    const axes = [this.downAxis, state.axes[this.view.cols]];
    const place = axes.map((axis, i) => `${axis.name} ${placeText(axis, i ? col : row)}`);
    const at = row * this.cols + col;
    if (this.pictures.map) {
      this.readout.textContent = [...place, number(this.pictures.map[at], 5)].join("  ·  ");
      return;
    }
    const [first, second] = base().parts.map((field) => this.pictures.slices[field.name]?.[at]);
    this.readout.textContent = [...place, number(second === undefined ? first : first - second, 4)].join("  ·  ");
  }

  click(event) {
    const sample = this.sampleAt(event.offsetX, event.offsetY);
    this.canvas.focus({ preventScroll: true });
    if (!sample) return;
    const index = this.fullIndex(sample);
    if (!index) return;
    if (state.stick !== null && this.view.rows === 0) {
      this.addNode(event);
      return;
    }
    const field = timeField();
    if (field && event.altKey && addPoint(index)) return;
    if (field && (state.picking || event.shiftKey)) {
      addHorizon(this.pictures?.slices[field.name]?.[sample[1] * this.cols + sample[0]], index);
    }
    this.pick(index);
  }

  /** One more node of the stick that is being drawn, to a part of a sample; it lies on one slice. */
  addNode(event) {
    const { a, d, e, f } = this.transform, { places } = this.pictures;
    const col = (event.offsetX - e) / a;
    let row = (event.offsetY - f) / d;
    if (places) row = places[Math.round(row) * this.cols + Math.round(col)];
    if (!(row >= 0)) return;
    const node = [...state.index];
    if (three()) node[this.view.axis] = this.shown;
    [node[this.view.cols], node[this.view.rows]] = [col, row].map((at, i) => Math.min(Math.max(Number(at.toFixed(2)), 0), (i ? this.rows : this.cols) - 1));
    const elsewhere = three() && state.stick.length && state.stick[0][this.view.axis] !== this.shown;
    if (elsewhere) endStick();
    state.stick.push(node);
    changed();
  }

  wheel(event) {
    event.preventDefault();
    const steps = event.deltaMode === 0 ? event.deltaY / 100 : event.deltaY / 3;
    if (event.ctrlKey || event.metaKey || !three()) {
      this.zoomAt(Math.exp(-steps * (event.ctrlKey && Math.abs(event.deltaY) < 50 ? 1 : 0.25)), event.offsetX, event.offsetY);
      return;
    }
    this.turned = (this.turned ?? 0) + steps;
    const whole = Math.trunc(this.turned);
    if (!whole) return;
    this.turned -= whole;
    setIndex(this.view.axis, state.index[this.view.axis] + whole * (event.altKey ? 10 : 1));
  }

  /** Zoom with the sample under a pixel staying there; without one, about the middle. */
  zoomAt(factor, x, y) {
    const { plot } = this;
    [x, y] = [x ?? plot.x + plot.w / 2, y ?? plot.y + plot.h / 2];
    const before = this.transform;
    const fixed = [(x - before.e) / before.a, (y - before.f) / before.d];
    this.zoom = Math.min(Math.max(this.zoom * factor, 1), 60);
    const { a, d } = this.transform;
    this.centre = [fixed[0] - (x - plot.x - plot.w / 2) / a, fixed[1] - (y - plot.y - plot.h / 2) / d];
    this.draw();
  }

  reset() {
    Object.assign(this, { zoom: 1, centre: null });
    this.draw();
  }
}
