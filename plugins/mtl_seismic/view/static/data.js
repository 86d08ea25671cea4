// Slices and values from the server. Slices are kept while there is room.

const ROOM = 256 * 2 ** 20;
const kept = new Map();
let bytes = 0;

async function ask(path, options = {}) {
  let answer;
  try {
    answer = await fetch(path, { cache: "no-store", ...options });
  } catch {
    throw new Error("The viewer does not answer any more: start mtl view again.");
  }
  if (!answer.ok) {
    const said = await answer.json().catch(() => ({ error: answer.statusText }));
    throw new Error(said.error);
  }
  return answer;
}

export const loadInterpretation = async () => (await ask("api/interpretation")).json();

export const loadFaults = async () => (await (await ask("api/faults")).json()).faults;

/** How the server is asked for a horizon: an extracted one by its name, a picked one by its points. */
const named = ({ source, name, points }) => (source === "file" ? `name=${encodeURIComponent(name)}` : `points=${encodeURIComponent(JSON.stringify(points))}`);

export async function loadHorizon(horizon) {
  const values = new Float32Array(await (await ask(`api/horizon?${named(horizon)}`)).arrayBuffer());
  return { depth: values.subarray(0, values.length / 2), quality: values.subarray(values.length / 2) };
}

export async function loadAlong(horizon, field, statistic, half) {
  const answer = await ask(`api/along?${named(horizon)}&field=${encodeURIComponent(field)}&statistic=${statistic}&half=${half}`);
  return new Float32Array(await answer.arrayBuffer());
}

/** Save the picks in place of those that had a revision; the new revision. */
export async function savePicks(revision, picks) {
  const body = JSON.stringify({ revision, picks });
  return (await (await ask("api/picks", { method: "PUT", headers: { "Content-Type": "application/json" }, body })).json()).revision;
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
