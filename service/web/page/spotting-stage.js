// The picture with its transport: play, place, faders, and what goes wrong with it.

import { mediaAddress } from "./api.js";
import { announce, h, put } from "./dom.js";
import { nameOf } from "./format.js";
import { transport } from "./spotting-transport.js";

const RATES = [0.5, 1, 1.5, 2];

/** The video of a plan, and what steers it and its music. */
export function stage({ plan, clock, view, signal }) {
  const video = h("video", { playsinline: true, preload: "auto", "aria-label": `Video ${plan.video.name}`, tabindex: "-1" });
  const host = h("div", { hidden: true });
  const note = h("p", { class: "small complaint", role: "status" });
  const steer = transport(video, { host, signal, onproblem: complain });
  const button = h("button", { type: "button", class: "play", "data-part": "play", onclick: steer.toggle });
  const place = h("span", { class: "timecode" });
  const trying = h("p", { class: "small trying", hidden: true });
  const speed = h("select", { "aria-label": "Speed", onchange: () => (video.playbackRate = Number(speed.value)) },
    RATES.map((rate) => h("option", { value: rate, selected: rate === 1 || null }, `${rate}×`)));
  const jump = (label, side, action) => h("button", { type: "button", class: `quiet jump ${side}`, "aria-label": label, onclick: action });
  const element = h("section", { class: "stage", "aria-label": "Picture" },
    h("div", { class: "screen" }, video), host,
    h("div", { class: "transport" },
      h("div", { class: "row" }, jump("Cue before", "before", () => go(-1)), button, jump("Next cue", "after", () => go(1)),
        h("span", { class: "places" }, place, h("span", { class: "faint timecode" }, ` / ${clock.code(plan.video.frames)}`))),
      h("div", { class: "faders" }, fader("Music", "music", 1), fader("Film", "film", plan.video.audio_codec ? 1 : null), speed)),
    trying, note);
  let shown = plan;

  show();
  steer.onchange(show);
  video.addEventListener("click", steer.toggle);
  video.addEventListener("error", () => video.src && complain(null));
  if (view.video_url) mediaAddress(view.video_url.replace(/^\//, "")).then((found) => !signal.aborted && (video.src = found), complainOf);
  else note.textContent = "The service does not keep this video any more; send it again as a new cut to see it.";
  document.addEventListener("keydown", keys, { signal });
  return { element, transport: steer, open(now) { shown = now; steer.open(now); } };

  function fader(label, name, level) {
    const id = `fader-${name}`;
    const input = h("input", { type: "range", id, min: "0", max: "1", step: "0.01", value: level ?? 0, disabled: level === null, oninput: () => steer.fade(name, input.value ** 2) });
    return h("label", { class: "fader", for: id }, label, input);
  }

  function show() {
    const isOn = steer.isPlaying();
    place.textContent = clock.at(steer.at());
    if (button.dataset.on !== String(isOn)) {
      button.dataset.on = isOn;
      button.setAttribute("aria-label", isOn ? "Pause" : "Play");
    }
    const trial = steer.trial();
    if (trying.hidden === (trial === null)) return;
    trying.hidden = trial === null;
    if (trial) put(trying, "Trying ", h("span", { class: "strong" }, nameOf(trial.other.track)), " in place; nothing is changed until you swap.");
  }

  function go(by) {
    const now = steer.at();
    const starts = [0, ...shown.cues.map((cue) => cue.start_seconds)];
    const next = by > 0 ? starts.find((at) => at > now + 0.01) : starts.findLast((at) => at < now - 1);
    steer.seek((next ?? (by > 0 ? shown.cues.at(-1).end_seconds : 0)) + 0.0005);
  }

  function keys(event) {
    if (event.defaultPrevented || event.key !== " " || event.target.closest("input, textarea, select, button, summary, a, dialog")) return;
    event.preventDefault();
    steer.toggle();
  }

  function complainOf(problem) {
    note.textContent = problem.message;
  }

  function complain(cue) {
    note.textContent = cue
      ? `${nameOf(cue.chosen.track)} cannot be played: its file is gone, or this browser has no decoder for it.`
      : `This browser cannot show ${plan.video.codec} in ${plan.video.container.split(",")[0]}. The plan stands all the same: it can be changed and taken away. To watch it here, send an H.264 copy as a new cut.`;
    announce(note.textContent);
  }
}
