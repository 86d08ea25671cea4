// Slices and values from the server. Slices are kept while there is room.

const ROOM = 256 * 2 ** 20;
const kept = new Map();
let bytes = 0;

async function ask(path) {
  let answer;
  try {
    answer = await fetch(path, { cache: "no-store" });
  } catch {
    throw new Error("The viewer does not answer any more: start mtl view again.");
  }
  if (!answer.ok) {
    const said = await answer.json().catch(() => ({ error: answer.statusText }));
    throw new Error(said.error);
  }
  return answer;
}

export const loadInfo = async () => (await ask("api/result")).json();

export const loadColourMaps = async () => (await ask("colormaps.json")).json();

export const loadValues = async (index) => (await ask(`api/values?at=${index.join(",")}`)).json();

/** Samples of a slice, row by row; NaN where there is no data. */
export async function loadSlice(name, axis, index) {
  const key = `${name}/${axis}/${index}`;
  let slice = kept.get(key);
  if (slice) {
    kept.delete(key);
  } else {
    const answer = await ask(`api/slice?field=${encodeURIComponent(name)}&axis=${axis}&index=${index}`);
    slice = new Float32Array(await answer.arrayBuffer());
    if (kept.has(key)) return kept.get(key);
    bytes += slice.byteLength;
  }
  kept.set(key, slice);
  for (const [oldest, dropped] of kept) {
    if (bytes <= ROOM || oldest === key) break;
    kept.delete(oldest);
    bytes -= dropped.byteLength;
  }
  return slice;
}
