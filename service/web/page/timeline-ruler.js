// The ticks of a timeline's ruler, for the part of it that is seen.

import { h } from "./dom.js";

const APART_PIXELS = 104; // between two timecodes
const SECONDS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1_800, 3_600];

/** Marks with timecodes; `from` and `room` are what is seen, in pixels. */
export function ticks({ clock, whole, pixels, from, room }) {
  if (!pixels) return [];
  const frames = whole * clock.rate;
  const wanted = (APART_PIXELS * frames) / pixels;
  const steps = [1, 2, 5, 10, ...SECONDS.map((seconds) => seconds * clock.nominal)];
  const step = steps.find((one) => one >= wanted) ?? steps.at(-1);
  const first = Math.max(0, Math.floor(((from - APART_PIXELS) * frames) / pixels / step)) * step;
  const last = Math.min(frames, ((from + room + APART_PIXELS) * frames) / pixels);
  const marks = [];
  for (let frame = first; frame < last; frame += step) {
    const fits = ((frames - frame) * pixels) / frames > APART_PIXELS - 8;
    const mark = h("span", { class: "tl-tick" }, fits ? clock.code(frame) : "");
    mark.style.left = `${(100 * frame) / frames}%`;
    marks.push(mark);
  }
  return marks;
}
