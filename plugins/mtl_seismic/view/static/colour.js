// Colour maps, and samples to pixels.

let maps = {};

export function setMaps(given) {
  maps = Object.fromEntries(Object.entries(given).map(([name, text]) => [name, table(text)]));
}

export const mapNames = () => Object.keys(maps);

/** The known map of this name, else viridis. */
export const knownMap = (name) => (name in maps ? name : "viridis");

/** 256 colours as little-endian RGBA words. */
function table(text) {
  const words = new Uint32Array(256);
  for (let i = 0; i < 256; i += 1) {
    const rgb = parseInt(text.slice(6 * i, 6 * i + 6), 16);
    words[i] = (255 << 24) | ((rgb & 255) << 16) | (rgb & 0xff00) | (rgb >> 16);
  }
  return words;
}

export function css(name, share) {
  const word = maps[knownMap(name)][Math.round(Math.min(Math.max(share, 0), 1) * 255)];
  return `rgb(${word & 255} ${(word >> 8) & 255} ${(word >> 16) & 255})`;
}

/** Fill pixels with colours of values between the limits; values that are not numbers stay clear. */
export function paint(values, limits, name, pixels) {
  const colours = maps[knownMap(name)];
  const [low, high] = limits;
  const factor = 256 / (high - low);
  for (let i = 0; i < values.length; i += 1) {
    const value = values[i];
    if (value !== value) { pixels[i] = 0; continue; }
    const place = (value - low) * factor;
    pixels[i] = colours[place <= 0 ? 0 : place >= 255 ? 255 : place | 0];
  }
}

/** The same for an overlay: clear where its mask is low or, without one, where it is low itself. */
export function paintOverlay(values, mask, threshold, opacity, limits, name, pixels) {
  const colours = maps[knownMap(name)];
  const [low, high] = limits;
  const factor = 256 / (high - low);
  const full = Math.round(opacity * 255);
  for (let i = 0; i < values.length; i += 1) {
    const value = values[i];
    if (value !== value) { pixels[i] = 0; continue; }
    const place = Math.min(Math.max((value - low) * factor, 0), 255);
    const alpha = mask ? (mask[i] > threshold ? full : 0) : (full * place / 255) | 0;
    pixels[i] = alpha ? ((colours[place | 0] & 0xffffff) | (alpha << 24)) >>> 0 : 0;
  }
}

/** A strip of a map's colours; `fading` as overlays without a mask are drawn. */
export function paintBar(canvas, name, fading) {
  canvas.width = 256;
  canvas.height = 1;
  const context = canvas.getContext("2d");
  const picture = context.createImageData(256, 1);
  const words = new Uint32Array(picture.data.buffer);
  const colours = maps[knownMap(name)];
  for (let i = 0; i < 256; i += 1) words[i] = fading ? ((colours[i] & 0xffffff) | (i << 24)) >>> 0 : colours[i];
  context.putImageData(picture, 0, 0);
}
