// The cues on a timeline: blocks with their music's outline, level, landings, and edges to trim by.

import { get } from "./api.js";
import { h, svg, whenSeen } from "./dom.js";
import { nameOf } from "./format.js";
import { duckAt, factor, fadeAt, hasMusic, levelTimes } from "./spotting-mix.js";
import { edge, slip } from "./timeline-drag.js";
import { placed, roving } from "./timeline-layout.js";
import { outlineOf } from "./waveform.js";

const POINTS = 2_000;
const outlines = new Map(); // track id -> promise of its outline

export const KINDS = { silence: "Silence", open: "Nothing fits" };

/** What a cue is called. */
export function titleOf(cue) {
  return hasMusic(cue) ? nameOf(cue.chosen.track) : KINDS[cue.kind];
}

/** "0.4 frames late". */
export function lateness(landing) {
  const frames = landing.residual_frames;
  if (Math.abs(frames) < 0.05) return "exactly";
  return `${Math.abs(frames).toFixed(1)} frames ${frames > 0 ? "late" : "early"}`;
}

/** The row of cues. */
export function cueRow(plan, chosen, view) {
  const row = h("div", { class: "tl-row tl-cues", role: "group", "aria-label": "Cues" },
    plan.cues.map((cue, place) => block(cue, place, { plan, isChosen: cue.id === chosen, view })));
  if (!row.querySelector(".tl-block[tabindex='0']")) row.querySelector(".tl-block")?.setAttribute("tabindex", "0");
  roving(row, ".tl-block");
  return row;
}

function block(cue, place, { plan, isChosen, view }) {
  const name = titleOf(cue);
  const state = [cue.is_pinned && "pinned", cue.is_muted && "muted"].filter(Boolean);
  const wave = hasMusic(cue) && music(cue, view.signal);
  const body = h("button", {
    type: "button", class: "tl-block", tabindex: isChosen ? "0" : "-1", "aria-pressed": String(isChosen), "data-part": `block ${cue.id}`,
    "aria-label": [`Cue ${place + 1}`, name, `${view.clock.code(cue.start_frame)} to ${view.clock.code(cue.end_frame)}`, ...state].join(", "),
    onclick: () => view.choose(cue.id), ondblclick: () => view.transport.seek(cue.start_seconds + 0.0005),
    onkeydown: (event) => {
      if (event.key !== "Enter" || !isChosen) return;
      event.preventDefault();
      view.transport.seek(cue.start_seconds + 0.0005);
      view.transport.play();
    },
  }, wave, hasMusic(cue) && level(cue), h("span", { class: "tl-name" }, state.map((word) => h("span", { class: `mark ${word}` })), name), hasMusic(cue) && landings(cue));
  const element = placed(h("div", { class: ["tl-cue", cue.kind, isChosen && "is-chosen", ...state.map((word) => `is-${word}`)].filter(Boolean).join(" "), "data-cue": cue.id }, body),
    cue.start_seconds, cue.end_seconds, view.whole());
  if (isChosen && !cue.is_pinned) {
    const parts = { cue, place, plan, view, element };
    element.append(edge("start", parts), edge("end", parts));
    if (wave) slip(body, wave, cue, view);
  }
  return element;
}

/** The outline of what of the track sounds. */
function music(cue, signal) {
  const { track, source_start_seconds: from } = cue.chosen;
  const drawing = svg("svg", { class: "tl-wave", viewBox: `${from} -1 ${cue.end_seconds - cue.start_seconds} 2`, preserveAspectRatio: "none", "aria-hidden": "true" });
  whenSeen(drawing, async () => {
    if (!outlines.has(track.id)) outlines.set(track.id, get(`v1/tracks/${track.id}/waveform`, { points: POINTS }));
    try {
      const shape = await outlines.get(track.id);
      if (!signal.aborted) drawing.append(svg("path", { d: outlineOf(shape, track.duration_seconds) }));
    } catch {
      outlines.delete(track.id); // asked for again when it is drawn again
    }
  });
  return drawing;
}

/** Fades and ducks as a line over the outline; what they take away is dimmed. */
function level(cue) {
  const long = cue.end_seconds - cue.start_seconds;
  const points = levelTimes(cue).map((at) => `${(at - cue.start_seconds).toFixed(3)} ${(1 - fadeAt(cue, at) * factor(duckAt(cue, at))).toFixed(3)}`).join("L");
  return svg("svg", { class: "tl-level", viewBox: `0 0 ${long} 1`, preserveAspectRatio: "none", "aria-hidden": "true" },
    svg("path", { class: "is-taken", d: `M0 0L${points}L${long} 0Z` }), svg("path", { class: "is-line", d: `M${points}` }));
}

function landings(cue) {
  const long = cue.end_seconds - cue.start_seconds;
  return cue.chosen.landings.map((landing) => placed(h("span", { class: "tl-landing", title: `${landing.kind}, ${lateness(landing)}` },
    h("span", { class: "tl-late" }, Math.abs(landing.residual_frames) < 0.05 ? "" : `${landing.residual_frames > 0 ? "+" : "−"}${Math.abs(landing.residual_frames).toFixed(1)}`)),
  landing.video_seconds - cue.start_seconds, null, long));
}
