// A track's outline with what plays and a window in it; a slider for the keyboard.

import { get } from "./api.js";
import { svg, h, whenSeen } from "./dom.js";
import { clock, nameOf } from "./format.js";
import { onPlayer, play, playing, seek, toggle } from "./player.js";

const POINTS = 240;
const STEP_SECONDS = 5;
let count = 0;

/** The outline of a track: `windows` are stretches to highlight, {start_seconds, end_seconds}. */
export function waveform(track, { windows = [], start = 0, signal, tall = false } = {}) {
  const length = track.duration_seconds;
  const x = (at) => (at / length) * POINTS;
  const clip = `played-${(count += 1)}`;
  const played = svg("rect", { x: 0, y: -1, width: 0, height: 2 });
  const bandOf = (one, name) => svg("rect", {
    class: name, x: x(one.start_seconds), y: -1, width: Math.max(1, x(one.end_seconds - one.start_seconds)), height: 2,
  });
  const bands = windows.map((one) => bandOf(one, "band"));
  const outlines = [
    svg("path", { class: "is-outline" }),
    !tall && svg("path", { class: "is-window", "clip-path": `url(#${clip}-window)` }),
    svg("path", { class: "is-played", "clip-path": `url(#${clip})` }),
  ].filter(Boolean);
  const drawing = svg("svg", { viewBox: `0 -1 ${POINTS} 2`, preserveAspectRatio: "none", "aria-hidden": "true" },
    svg("clipPath", { id: clip }, played), svg("clipPath", { id: `${clip}-window` }, windows.map((one) => bandOf(one, null))), bands, outlines);
  const slider = h("div", {
    class: tall ? "waveform tall" : "waveform", role: "slider", tabindex: "0",
    "aria-label": `Place in ${nameOf(track)}`, "aria-valuemin": "0", "aria-valuemax": Math.round(length),
    onclick: (event) => goTo((event.offsetX / slider.clientWidth) * length), onkeydown: key,
  }, drawing);

  function goTo(at) {
    const place = Math.max(0, Math.min(at, length));
    if (playing().id === track.id) seek(place);
    else play(track, place);
  }

  function key(event) {
    const now = playing().id === track.id ? playing().at : start;
    const places = { ArrowRight: now + STEP_SECONDS, ArrowUp: now + STEP_SECONDS, ArrowLeft: now - STEP_SECONDS, ArrowDown: now - STEP_SECONDS, Home: 0, End: length - 1 };
    if (event.key === " " || event.key === "Enter") toggle(track, start);
    else if (event.key in places) goTo(places[event.key]);
    else return;
    event.preventDefault();
  }

  function show() {
    const at = playing().id === track.id ? playing().at : 0;
    played.setAttribute("width", x(at));
    slider.setAttribute("aria-valuenow", Math.round(at));
    slider.setAttribute("aria-valuetext", `${clock(at)} of ${clock(length)}`);
  }

  show();
  onPlayer(show, signal);
  whenSeen(slider, async () => {
    try {
      const shape = outlineOf(await get(`v1/tracks/${track.id}/waveform`, { points: POINTS }, signal), POINTS);
      outlines.forEach((outline) => outline.setAttribute("d", shape));
      slider.classList.add("is-drawn");
    } catch {
      slider.classList.add("is-bare"); // it can be played all the same
    }
  });
  slider.highlight = (index) => bands.forEach((band, place) => band.classList.toggle("is-on", place === index));
  return slider;
}

/** Lowest and highest sample of each pixel -> one closed outline, loud enough to be seen. */
export function outlineOf(shape, width) {
  const most = Math.max(1, ...shape.data.map(Math.abs));
  const pairs = Array.from({ length: shape.length }, (_, place) => [shape.data[2 * place] / most, shape.data[2 * place + 1] / most]);
  const wide = width / Math.max(1, shape.length);
  const point = (place, value) => `${(place * wide).toFixed(2)} ${(-value * 0.94).toFixed(3)}`;
  const top = pairs.map(([, high], place) => point(place, Math.max(high, 0.02)));
  const bottom = pairs.map(([low], place) => point(place, Math.min(low, -0.02))).reverse();
  return `M${[...top, ...bottom].join("L")}Z`;
}
