// The three slices in space, with horizons and faults. Drag turns it.

import { isMap } from "./raster.js";
import { css } from "./colour.js";
import { state, timeField } from "./state.js";
import { faultPatches, horizonPatches, lit, meanEdge } from "./surfaces.js";
import { capital, make } from "./text.js";

const COLOURS = ["#86a8ff", "#e6b450", "#58c9a9"];
const MARGIN = 26;
/** Of all faults in space: more would turn slowly. */
const MOST_TRIANGLES = 6000;

export class Fence {
  constructor(panels) {
    this.panels = Object.fromEntries(panels.map((panel) => [panel.view.axis, panel]));
    Object.assign(this, { turn: -0.62, tilt: 0.5, known: new WeakMap() });
    this.canvas = make("canvas", { id: "fence", tabIndex: 0, ariaLabel: "The slices in space" });
    this.stage = make("div", { className: "stage" }, this.canvas);
    this.element = make("article", { className: "panel fence" }, make("header", {}, make("b", {}, "Volume")), this.stage);
    new ResizeObserver(() => this.draw()).observe(this.stage);
    this.listen();
  }

  listen() {
    let last = null, asked = false;
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
      if (!asked) requestAnimationFrame(() => { asked = false; this.draw(); });
      asked = true;
    });
    for (const end of ["pointerup", "pointercancel"]) {
      this.canvas.addEventListener(end, () => { last = null; this.canvas.classList.remove("moving"); });
    }
  }

  /** Edge lengths of the box: as the numbers of samples, but no edge is less than half of another; depth as wished. */
  get edges() {
    const sizes = state.axes.map((axis) => axis.size);
    const most = Math.max(...sizes);
    return sizes.map((size, axis) => Math.max(size / most, 0.5) * (axis === 0 ? state.tall : 1));
  }

  /** Where a corner (shares of the edges) falls, before scaling: across, down, and towards the eye. */
  project(share) {
    const { edges } = this.frame;
    const z = (share[0] - 0.5) * edges[0], y = (share[1] - 0.5) * edges[1], x = (share[2] - 0.5) * edges[2];
    const { cos, sin, cosTilt, sinTilt } = this.frame;
    const across = x * cos - y * sin, back = x * sin + y * cos;
    return [across, z * cosTilt - back * sinTilt, -back * cosTilt - z * sinTilt];
  }

  /** Turn, tilt and size of the drawing: the whole box and its names lie inside of it. */
  prepare(width, height, ratio) {
    const [cos, sin, cosTilt, sinTilt] = [Math.cos(this.turn), Math.sin(this.turn), Math.cos(this.tilt), Math.sin(this.tilt)];
    this.frame = { cos, sin, cosTilt, sinTilt, edges: this.edges };
    const corners = [0, 1].flatMap((z) => [0, 1].flatMap((y) => [0, 1].map((x) => this.project([z, y, x]))));
    const reach = [0, 1].map((k) => Math.max(...corners.map((corner) => Math.abs(corner[k]))));
    const scale = Math.min((width / 2 - MARGIN) / reach[0], (height / 2 - MARGIN) / reach[1]) * ratio;
    return (share) => {
      const [across, down] = this.project(share);
      return [(width * ratio) / 2 + across * scale, (height * ratio) / 2 + down * scale];
    };
  }

  draw() {
    const { clientWidth: width, clientHeight: height } = this.stage;
    if (!width || !height || Object.values(this.panels).some((panel) => !panel.pictures)) return;
    const ratio = window.devicePixelRatio || 1;
    [this.canvas.width, this.canvas.height] = [Math.round(width * ratio), Math.round(height * ratio)];
    const context = this.canvas.getContext("2d");
    const place = this.prepare(width, height, ratio);
    this.drawBox(context, place, ratio);
    this.parts = this.octants();
    this.drawPart(context, place, [0, 1, 2], {});
    this.drawNames(context, place, ratio);
  }

  /** The slices cut the box into eight parts. Each is drawn from far to near, with what of the slices lies between
   * (binary space partition, Fuchs et al. 1980). `sides`: axis: 0 before or 1 beyond its slice. */
  drawPart(context, place, axes, sides) {
    if (!axes.length) {
      for (const patch of this.parts[sides[0] * 4 + sides[1] * 2 + sides[2]]) this.drawPatch(context, place, patch);
      return;
    }
    const [axis, ...rest] = axes;
    const step = [0.5, 0.5, 0.5];
    step[axis] = 1;
    const far = this.project(step)[2] > 0 ? 0 : 1;
    this.drawPart(context, place, rest, { ...sides, [axis]: far });
    this.drawSlice(context, place, axis, sides);
    this.drawPart(context, place, rest, { ...sides, [axis]: 1 - far });
  }

  share(axis) { return (state.index[axis] + 0.5) / state.axes[axis].size; }

  /** Whether a slice stands in the box: that of depth gives way to a map of a horizon, and to flattened sections. */
  stands(axis) { return axis !== 0 || (!isMap({ axis: 0 }) && !state.flat); }

  drawSlice(context, place, axis, sides) {
    if (!this.stands(axis)) return;
    const { pictures, view } = this.panels[axis];
    const range = (number) => (number in sides ? (sides[number] ? [this.share(number), 1] : [0, this.share(number)]) : [0, 1]);
    const rows = range(view.rows), cols = range(view.cols);
    const corner = (row, col) => {
      const at = [0, 0, 0];
      [at[axis], at[view.rows], at[view.cols]] = [this.share(axis), row, col];
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

  /** Outer edges of a part of a slice, in the colour of its axis. */
  drawOutline(context, axis, [rows, cols, corner]) {
    context.strokeStyle = COLOURS[axis];
    context.lineWidth = 1.2 * (window.devicePixelRatio || 1);
    context.beginPath();
    for (const row of rows) if (row === 0 || row === 1) { context.moveTo(...corner(row, cols[0])); context.lineTo(...corner(row, cols[1])); }
    for (const col of cols) if (col === 0 || col === 1) { context.moveTo(...corner(rows[0], col)); context.lineTo(...corner(rows[1], col)); }
    context.stroke();
  }

  /** Patches of all surfaces that are shown, by the part of the box in which they lie, from far to near. */
  octants() {
    const parts = Array.from({ length: 8 }, () => []);
    const cuts = [0, 1, 2].map((axis) => this.share(axis));
    for (const patch of this.patches()) {
      const part = cuts.reduce((number, cut, axis) => number * 2 + (patch.middle[axis] >= cut ? 1 : 0), 0);
      [, , patch.near] = this.project(patch.middle);
      parts[part].push(patch);
    }
    for (const part of parts) part.sort((one, other) => one.near - other.near);
    return parts;
  }

  /** Surfaces as patches with their colours; they are made anew only where something but the view has changed. */
  patches() {
    const lateral = state.axes.slice(1).map((axis) => axis.size);
    const depths = state.axes[0].size;
    const list = [];
    for (const horizon of state.horizons.filter((each) => each.on && each.layers)) {
      if (state.flat && horizon.value === null) continue;
      const level = state.flat ? () => horizon.value * (depths - 1) : null;
      const painted = state.map?.horizon === horizon && this.panels[0].pictures.map ? this.panels[0].pictures : null;
      const key = [horizon.layers, horizon.colour, state.flat, state.tall, painted?.map, painted && state.map.colormap];
      list.push(this.made(horizon, key, () => horizonPatches(horizon, lateral, level), (patch, shares) => (painted ? mapColour(painted, patch.at) : lit(horizon.colour, shares))));
    }
    const faults = state.flat ? [] : state.faults.filter((each) => each.on && each.mesh);
    const crowd = Math.sqrt(faults.reduce((sum, fault) => sum + fault.mesh.cells.length, 0) / MOST_TRIANGLES);
    for (const fault of faults) {
      const size = crowd > 1 ? crowd * meanEdge(fault.mesh) : 0;
      list.push(this.made(fault, [fault.mesh, fault.colour, state.tall, size], () => faultPatches(fault, size), (patch, shares) => lit(fault.colour, shares)));
    }
    return list.flat();
  }

  made(item, key, patches, colour) {
    const known = this.known.get(item);
    if (known && known.key.every((part, i) => part === key[i])) return known.list;
    const sizes = state.axes.map((axis) => axis.size);
    const list = patches().map((patch) => {
      const shares = patch.corners.map((corner) => corner.map((at, axis) => (at + 0.5) / sizes[axis]));
      const middle = [0, 1, 2].map((axis) => shares.reduce((sum, corner) => sum + corner[axis], 0) / shares.length);
      return { shares, middle, colour: colour(patch, this.sized(shares)) };
    });
    this.known.set(item, { key, list });
    return list;
  }

  sized(shares) { return shares.map((corner) => corner.map((share, axis) => share * this.frame.edges[axis])); }

  drawPatch(context, place, { shares, colour }) {
    context.beginPath();
    for (const share of shares) context.lineTo(...place(share));
    context.closePath();
    Object.assign(context, { fillStyle: colour, strokeStyle: colour, lineWidth: 0.8 });
    context.fill();
    context.stroke(); // closes the seams
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

  /** Beside the middle of the vertical edge that is farthest to the left. */
  leftEdge() {
    const edges = [[0.5, 0, 0], [0.5, 0, 1], [0.5, 1, 0], [0.5, 1, 1]];
    const [z, y, x] = edges.sort((one, other) => this.project(one)[0] - this.project(other)[0])[0];
    return [z, y + (y - 0.5) * 0.08, x + (x - 0.5) * 0.08];
  }

  /** Below the middle of the bottom edge along a horizontal axis that is nearest to the eye. */
  nearEdge(axis) {
    const edge = (side) => { const share = [1.04, side, side]; share[axis] = 0.5; return share; };
    const near = this.project(edge(0))[2] > this.project(edge(1))[2] ? 0 : 1;
    return edge(near + (near - 0.5) * 0.1);
  }

  drawNames(context, place, ratio) {
    context.font = `${11 * ratio}px system-ui, "Segoe UI", Roboto, Arial, sans-serif`;
    context.textAlign = "center";
    context.textBaseline = "middle";
    const at = [this.leftEdge(), this.nearEdge(1), this.nearEdge(2)];
    this.names = [];
    for (let axis = 0; axis < 3; axis += 1) {
      const text = axis === 0 && state.flat ? timeField().title : capital(state.axes[axis].name);
      const half = [context.measureText(text).width / 2 + 4 * ratio, 9 * ratio];
      const [x, y] = place(at[axis]).map((pixel, k) => Math.min(Math.max(pixel, half[k]), [this.canvas.width, this.canvas.height][k] - half[k]));
      this.names.push([x - half[0], y - half[1], x + half[0], y + half[1]]);
      context.fillStyle = COLOURS[axis];
      context.fillText(text, x, y);
    }
  }
}

/** The colour of a map at a trace. */
function mapColour({ map, limits }, at) {
  const value = map[at];
  return value === value ? css(state.map.colormap, (value - limits[0]) / (limits[1] - limits[0])) : "#5a6068";
}
