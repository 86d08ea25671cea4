// Lines of equal value. Coordinates are samples: (column, row), sample i at i.

/** Marching squares (Lorensen and Cline 1987, in the plane): one Path2D for each level low + k * step. */
export function isolines(values, rows, cols, low, step, count) {
  const paths = Array.from({ length: count }, () => new Path2D());
  for (let row = 0; row + 1 < rows; row += 1) {
    for (let col = 0; col + 1 < cols; col += 1) {
      const at = row * cols + col;
      const a = values[at], b = values[at + 1], c = values[at + cols + 1], d = values[at + cols];
      const least = Math.min(a, b, c, d), most = Math.max(a, b, c, d);
      if (!(most > least)) continue; // flat, or a sample that is no number
      const first = Math.max(Math.ceil((least - low) / step), 0);
      const last = Math.min(Math.floor((most - low) / step), count - 1);
      for (let k = first; k <= last; k += 1) cross(paths[k], low + k * step, row, col, a, b, c, d);
    }
  }
  return paths;
}

/** The level's segments in one cell with the corners a b / d c. */
function cross(path, level, row, col, a, b, c, d) {
  const points = [];
  if ((a < level) !== (b < level)) points.push([col + (level - a) / (b - a), row]);
  if ((b < level) !== (c < level)) points.push([col + 1, row + (level - b) / (c - b)]);
  if ((d < level) !== (c < level)) points.push([col + (level - d) / (c - d), row + 1]);
  if ((a < level) !== (d < level)) points.push([col, row + (level - a) / (d - a)]);
  // A saddle: the mean decides which corners belong together.
  if (points.length === 4 && ((a + b + c + d) / 4 < level) !== (a < level)) points.push(points.shift());
  for (let i = 0; i + 1 < points.length; i += 2) {
    path.moveTo(points[i][0], points[i][1]);
    path.lineTo(points[i + 1][0], points[i + 1][1]);
  }
}

/** Where a horizon steps by more samples than this from trace to trace it is cut: a fault. */
const JUMP = 4;

/** A horizon on a section with time running down: per trace the crossing nearest to the one before. */
export function horizonLine(values, rows, cols, level) {
  const path = new Path2D();
  let before = null;
  for (let col = 0; col < cols; col += 1) {
    const depth = crossing(values, rows, cols, col, level, before);
    if (depth !== null) {
      if (before === null || Math.abs(depth - before) > JUMP) path.moveTo(col - 0.5, depth);
      path.lineTo(col, depth);
    }
    before = depth;
  }
  return path;
}

function crossing(values, rows, cols, col, level, near) {
  let best = null;
  for (let row = 0; row + 1 < rows; row += 1) {
    const upper = values[row * cols + col], lower = values[(row + 1) * cols + col];
    if (!(upper <= level && level < lower)) continue;
    const depth = row + (level - upper) / (lower - upper);
    if (near === null) return depth;
    if (best === null || Math.abs(depth - near) < Math.abs(best - near)) best = depth;
  }
  return best;
}
