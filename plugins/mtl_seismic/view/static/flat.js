// The flattened (stratal) section: rows are equal steps of time instead of depth.

const made = new WeakMap();

/** For each row of the flattened section and each column, the row in depth; NaN where there is none of that time. */
export function rowsAt(time, rows, cols) {
  if (made.has(time)) return made.get(time);
  const found = new Float32Array(rows * cols).fill(NaN);
  for (let col = 0; col < cols; col += 1) {
    let row = 0, highest = time[col];
    if (highest !== highest) continue;
    const first = highest;
    for (let level = 0; level < rows; level += 1) {
      const wanted = level / (rows - 1);
      if (wanted < first) continue;
      while (row + 1 < rows && !(Math.max(highest, time[(row + 1) * cols + col]) >= wanted)) {
        row += 1;
        highest = Math.max(highest, time[row * cols + col]);
      }
      if (row + 1 >= rows) break;
      const lower = time[(row + 1) * cols + col];
      const share = lower > highest ? Math.max((wanted - highest) / (lower - highest), 0) : 0;
      found[level * cols + col] = row + Math.min(share, 1);
    }
  }
  made.set(time, found);
  return found;
}

/** A slice resampled along time; `nearest` for angles and probabilities, whose neighbours must not mix. */
export function flattened(values, places, rows, cols, nearest) {
  const flat = new Float32Array(rows * cols);
  for (let at = 0; at < flat.length; at += 1) {
    const place = places[at], col = at % cols;
    if (place !== place) { flat[at] = NaN; continue; }
    const row = Math.min(Math.floor(place), rows - 2), share = place - row;
    const upper = values[row * cols + col], lower = values[(row + 1) * cols + col];
    flat[at] = nearest ? (share < 0.5 ? upper : lower) : upper + share * (lower - upper);
  }
  return flat;
}

/** From (column, row in depth) to the row of the flattened section. */
export function leveller(time, rows, cols) {
  return (col, row) => {
    const at = Math.min(Math.max(Math.round(col), 0), cols - 1);
    const above = Math.min(Math.max(Math.floor(row), 0), rows - 2);
    const upper = time[above * cols + at], lower = time[(above + 1) * cols + at];
    return (upper + Math.min(Math.max(row - above, 0), 1) * (lower - upper)) * (rows - 1);
  };
}
