// Numbers, positions and elements.

/** A number as short as six digits allow, with a true minus sign; a dash for none. */
export function number(value, digits = 6) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  const size = Math.abs(value);
  const short = size !== 0 && (size < 1e-4 || size >= 1e9)
    ? value.toExponential(Math.min(digits - 1, 3)) : String(Number(value.toPrecision(digits)));
  return short.replace("-", "−");
}

/** Where sample i of an axis lies, in the file's own units. */
export const position = (axis, i) => axis.origin + i * axis.step;

export const unitOf = (axis) => (axis.unit && axis.unit !== "1" && axis.unit !== "sample" ? ` ${axis.unit}` : "");

export const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

export const placeText = (axis, i) => number(position(axis, i)) + unitOf(axis);

/** Steps of 1, 2 or 5 times a power of ten, about `count` of them in `length`. */
export function niceStep(length, count) {
  const raw = Math.abs(length) / Math.max(count, 1);
  if (!(raw > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(raw));
  return power * [1, 2, 5, 10].find((factor) => factor * power >= raw * 0.999);
}

/** An element: make("label", { htmlFor: "x" }, "text", other). */
export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name === "data") Object.assign(element.dataset, value);
    else if (name === "colour") element.style.setProperty("--colour", value);
    else if (name in element) element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}
