// Ticks, names and the scale bar around a section.

import { capital, niceStep, number, position, unitOf } from "./text.js";

const INK = "#c9ced5", FAINT = "#8e959f", LINE = "#3a4048";
const FONT = '11px system-ui, -apple-system, "Segoe UI", Roboto, Arial, sans-serif';
const METRES = /^(m|metre|metres|meter|meters)$/i;

export function drawAxes(context, plot, { a, d, e, f }, across, down) {
  context.save();
  Object.assign(context, { font: FONT, strokeStyle: LINE, fillStyle: INK, lineWidth: 1 });
  context.strokeRect(plot.x - 0.5, plot.y - 0.5, plot.w + 1, plot.h + 1);
  context.beginPath();
  context.textAlign = "center";
  context.textBaseline = "top";
  for (const { at, text } of ticks(across, plot.x, plot.w, a, e, 80)) {
    context.moveTo(at, plot.y + plot.h + 1);
    context.lineTo(at, plot.y + plot.h + 5);
    context.fillText(text, at, plot.y + plot.h + 7);
  }
  context.textAlign = "right";
  context.textBaseline = "middle";
  for (const { at, text } of ticks(down, plot.y, plot.h, d, f, 44)) {
    context.moveTo(plot.x - 1, at);
    context.lineTo(plot.x - 5, at);
    context.fillText(text, plot.x - 8, at);
  }
  context.stroke();
  writeNames(context, plot, across, down);
  context.restore();
}

function writeNames(context, plot, across, down) {
  context.fillStyle = FAINT;
  context.textAlign = "center";
  context.textBaseline = "bottom";
  context.fillText(named(across), plot.x + plot.w / 2, plot.y + plot.h + 37);
  context.translate(10, plot.y + plot.h / 2);
  context.rotate(-Math.PI / 2);
  context.textBaseline = "middle";
  context.fillText(named(down), 0, 0);
}

const named = (axis) => capital(axis.name) + (unitOf(axis) ? ` (${axis.unit})` : "");

/** Round positions in the file's units that lie in the drawing area and on the section. */
function ticks(axis, start, length, factor, offset, apart) {
  const ends = [(start - offset) / factor, (start + length - offset) / factor];
  const low = Math.max(Math.min(...ends), -0.5), high = Math.min(Math.max(...ends), axis.size - 0.5);
  const [from, to] = [position(axis, low), position(axis, high)].sort((one, other) => one - other);
  const shown = Math.abs((high - low) * factor);
  let step = niceStep(to - from, Math.max(Math.floor(shown / apart), 2));
  // Lines have whole numbers.
  if (Number.isInteger(axis.origin) && Number.isInteger(axis.step)) step = Math.max(step, 1);
  const found = [];
  for (let k = Math.ceil(from / step); k * step <= to && found.length < 60; k += 1) {
    found.push({ at: offset + factor * ((k * step - axis.origin) / axis.step), text: number(k * step) });
  }
  return found;
}

/** A bar of a round length, in metres where the file says where its traces lie. */
export function drawScale(context, plot, { a }, axisNumber, state) {
  const axis = state.axes[axisNumber];
  const [each, unit] = spacing(axis, axisNumber, state.info.coordinates);
  const length = niceStep((plot.w / a) * each, 6);
  const pixels = (length / each) * a;
  if (!(pixels > 8 && pixels < plot.w)) return;
  const text = unit === "m" && length >= 1000 ? `${number(length / 1000)} km` : `${number(length)} ${unit}`;
  const x = plot.x + plot.w - 12 - pixels, y = plot.y + plot.h - 12;
  context.save();
  context.font = FONT;
  const width = Math.max(pixels, context.measureText(text).width) + 14;
  context.fillStyle = "#15171abb";
  context.fillRect(x + pixels / 2 - width / 2, y - 19, width, 26);
  context.fillStyle = "#fff";
  context.fillRect(x, y, pixels, 2);
  context.fillRect(x, y - 3, 1, 5);
  context.fillRect(x + pixels - 1, y - 3, 1, 5);
  Object.assign(context, { textAlign: "center", textBaseline: "bottom" });
  context.fillText(text, x + pixels / 2, y - 4);
  context.restore();
}

/** Length of one sample along an axis, and its unit. */
function spacing(axis, axisNumber, coordinates) {
  if (coordinates && axisNumber > 0) {
    const metres = Math.hypot(coordinates[0][axisNumber] ?? 0, coordinates[1][axisNumber] ?? 0) * Math.abs(axis.step);
    if (metres > 0) return [metres, "m"];
  }
  if (METRES.test(axis.unit)) return [Math.abs(axis.step), "m"];
  const plain = axis.unit === "sample" || axis.unit === "1" || !axis.unit;
  return plain ? [1, axisNumber === 0 ? "samples" : "traces"] : [Math.abs(axis.step), axis.unit];
}
