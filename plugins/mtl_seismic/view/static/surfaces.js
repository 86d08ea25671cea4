// Horizons and faults on slices, as lines; and in space, as patches.

import { isolines } from "./lines.js";

/** Where a horizon steps by more samples than this from trace to trace it is cut: a fault. */
const JUMP = 4;
/** Patches along an edge of a horizon in space, at most. */
const PATCHES = 56;

/** The line of a horizon's depths on a slice; `lateral`: sizes of the horizontal axes. `level` turns (column, row) into the row to draw at. */
export function horizonOnSlice(depth, view, index, lateral, level = (col, row) => row) {
  const [lines, traces] = lateral.length === 2 ? lateral : [1, lateral[0]];
  if (view.rows !== 0) return isolines(depth, lines, traces, index, 1, 1)[0];
  const count = view.axis === 2 && lateral.length === 2 ? lines : traces;
  const at = view.axis === 2 && lateral.length === 2 ? (col) => col * traces + index : (col) => (lateral.length === 2 ? index * traces : 0) + col;
  const path = new Path2D();
  let before = NaN;
  for (let col = 0; col < count; col += 1) {
    const row = depth[at(col)];
    if (row === row) {
      const shown = level(col, row);
      if (!(Math.abs(row - before) <= JUMP)) path.moveTo(col - 0.5, shown);
      path.lineTo(col, shown);
    }
    before = row;
  }
  return path;
}

/** Where a fault's surface meets a slice (in 2D, its lines), as (column, row). */
export function faultOnSlice(mesh, view, index, level = (col, row) => row) {
  const path = new Path2D();
  const node = (point) => [point[view.cols], level(point[view.cols], point[view.rows])];
  for (const cell of mesh.cells) {
    const corners = cell.map((number) => mesh.points[number]);
    if (cell.length === 2) {
      path.moveTo(corners[0][1], level(corners[0][1], corners[0][0]));
      path.lineTo(corners[1][1], level(corners[1][1], corners[1][0]));
      continue;
    }
    const ends = [];
    for (let i = 0; i < 3; i += 1) {
      const one = corners[i], other = corners[(i + 1) % 3];
      const [a, b] = [one[view.axis] - index - 1e-6, other[view.axis] - index - 1e-6];
      if ((a < 0) === (b < 0)) continue;
      const share = a / (a - b);
      ends.push(one.map((at, k) => at + share * (other[k] - at)));
    }
    if (ends.length === 2) {
      path.moveTo(...node(ends[0]));
      path.lineTo(...node(ends[1]));
    }
  }
  return path;
}

/** A horizon as patches of four corners, (depth, line, trace) in samples; `shade(number)` may colour them. */
export function horizonPatches(horizon, lateral, rowOf) {
  const [lines, traces] = lateral;
  const { depth } = horizon.layers;
  const step = Math.max(Math.ceil(lines / PATCHES), Math.ceil(traces / PATCHES), 1);
  const patches = [];
  const stops = (size) => { const list = []; for (let i = 0; i < size - 1; i += step) list.push(i); list.push(size - 1); return list; };
  const rows = stops(lines), cols = stops(traces);
  for (let i = 0; i + 1 < rows.length; i += 1) {
    for (let j = 0; j + 1 < cols.length; j += 1) {
      const corners = [[rows[i], cols[j]], [rows[i], cols[j + 1]], [rows[i + 1], cols[j + 1]], [rows[i + 1], cols[j]]];
      const depths = corners.map(([line, trace]) => depth[line * traces + trace]);
      const most = Math.max(...depths), least = Math.min(...depths);
      if (!(most - least <= Math.max(2 * JUMP, 1.5 * step))) continue; // undefined, or cut between
      patches.push({ corners: corners.map(([line, trace], k) => [rowOf ? rowOf(depths[k]) : depths[k], line, trace]), at: rows[i] * traces + cols[j], colour: horizon.colour });
    }
  }
  return patches;
}

/** A mesh of larger triangles, by merging the vertices in each cube of `size` samples (Rossignac and Borrel 1993). */
export function simplified(mesh, size) {
  if (!(size > 0)) return mesh;
  const cubes = new Map(), sums = [];
  const cube = mesh.points.map((point) => {
    const key = point.map((at) => Math.floor(at / size)).join();
    if (!cubes.has(key)) { cubes.set(key, cubes.size); sums.push([0, 0, 0, 0]); }
    const number = cubes.get(key), sum = sums[number];
    point.forEach((at, axis) => { sum[axis] += at; });
    sum[3] += 1;
    return number;
  });
  const points = sums.map((sum) => [0, 1, 2].map((axis) => sum[axis] / sum[3]));
  const cells = new Map();
  for (const cell of mesh.cells) {
    const corners = cell.map((number) => cube[number]);
    if (new Set(corners).size === 3) cells.set([...corners].sort((a, b) => a - b).join(), corners);
  }
  return { points, cells: [...cells.values()] };
}

/** Edge of a square of two triangles of the mean area, in samples, from some of a mesh's triangles. */
export function meanEdge({ points, cells }) {
  const some = cells.filter((_, i) => i % Math.ceil(cells.length / 100) === 0);
  const doubled = some.reduce((sum, [a, b, c]) => {
    const [u, v] = [b, c].map((corner) => points[corner].map((at, axis) => at - points[a][axis]));
    return sum + Math.hypot(u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]);
  }, 0);
  return Math.sqrt(doubled / Math.max(some.length, 1));
}

/** A fault as triangles in samples; `size`: see simplified. */
export function faultPatches(fault, size) {
  const { points, cells } = simplified(fault.mesh, size);
  return cells.map((cell) => ({ corners: cell.map((number) => points[number]) }));
}

/** A colour in the light: from above and from the left. `corners`: in the units of the drawing. */
export function lit(colour, [a, b, c]) {
  const [u, v] = [b.map((at, k) => at - a[k]), c.map((at, k) => at - a[k])];
  const normal = [u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]];
  const length = Math.hypot(...normal) || 1;
  const share = 0.5 + 0.5 * Math.abs((0.72 * normal[0] + 0.34 * normal[1] - 0.6 * normal[2]) / length);
  const word = parseInt(colour.slice(1), 16);
  return `rgb(${[16, 8, 0].map((shift) => Math.round(((word >> shift) & 255) * share)).join(" ")})`;
}
