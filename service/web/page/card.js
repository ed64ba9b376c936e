// One track of an answer: what it is, where it fits, and why.

import { get } from "./api.js";
import { h, svg, whenSeen } from "./dom.js";
import { clock, factsOf, folderOf, nameOf, percent, sureness } from "./format.js";
import { playButton } from "./player.js";
import { waveform } from "./waveform.js";

const STAGES = {
  scene: "Scene", music: "Sound", mood: "Mood", imagined: "Imagined music", facts: "Facts",
  unwanted: "Not wanted", feedback: "What people said", sound: "Sound", arc: "Course", tempo: "Tempo", key: "Key",
};

/** Facts of a track as a list; vocals come with the whole track. */
export function factList(track, signal) {
  const list = h("dl", { class: "facts" });
  const fill = (shown) => list.replaceChildren(...factsOf(shown).map(([label, text]) => h("div", {}, h("dt", {}, label), h("dd", {}, text))));
  fill(track);
  if (track.vocal_probability === undefined) {
    whenSeen(list, () => get(`v1/tracks/${track.id}`, {}, signal).then(fill, () => {}));
  }
  return list;
}

/** Title, artist and whether it was generated. */
export function naming(track, level = "h3") {
  const name = nameOf(track);
  return h("div", { class: "naming" },
    h(level, {}, h("a", { href: `#/track/${track.id}` }, name),
      track.generated && h("span", { class: "badge" }, "generated")),
    h("p", { class: "small faint" }, track.artist ?? folderOf(track.path)));
}

/** A hit of a match or of a search for similar tracks; `actions` stand at its foot. */
export function hitCard(hit, { actions = [], signal }) {
  const { track, window } = hit;
  const name = nameOf(track);
  return h("article", { class: "card", "aria-label": name },
    h("div", { class: "card-head" },
      playButton(track, window.start_seconds, `${name} from ${clock(window.start_seconds)}`, signal),
      naming(track), gauge(hit)),
    waveform(track, { windows: [window], start: window.start_seconds, signal }),
    h("p", { class: "small faint window" }, `Fits best from ${clock(window.start_seconds)} to ${clock(window.end_seconds)}`, hit.song && ` · ${hit.song}`),
    hit.scene_caption && h("blockquote", {}, hit.scene_caption),
    hit.facts?.length > 0 && h("ul", { class: "checks" }, hit.facts.map((fact) =>
      h("li", { class: fact.agrees ? "agrees" : "differs" }, h("span", { class: "strong" }, fact.asked), ` ${fact.agrees ? "✓" : "✗"} ${fact.found}`))),
    factList(track, signal),
    reasons(hit, signal),
    h("div", { class: "row actions" }, actions));
}

function gauge(hit) {
  const share = hit.confidence ?? hit.score;
  const words = hit.confidence === undefined ? "alike" : sureness(share);
  return h("div", { class: "gauge" },
    bar(share, hit.confidence === undefined ? "Likeness" : "Confidence"),
    h("p", { class: "small", title: `Score ${hit.score}` }, h("span", { class: "strong" }, percent(share)), ` ${words}`),
    h("p", { class: "small faint" }, `score ${hit.score.toFixed(3)}`));
}

function bar(share, label) {
  const width = Math.max(0, Math.min(100, share * 100));
  return svg("svg", { class: "meter", viewBox: "0 0 100 6", preserveAspectRatio: "none", role: "meter", "aria-label": label, "aria-valuemin": "0", "aria-valuemax": "100", "aria-valuenow": Math.round(width) },
    svg("rect", { width: 100, height: 6 }), svg("rect", { class: "is-full", width, height: 6 }));
}

function reasons(hit, signal) {
  if (!hit.reasons.length) return null;
  return h("details", { class: "reasons" }, h("summary", {}, "Why this one"), hit.why && h("p", {}, hit.why),
    h("ul", {}, hit.reasons.map((reason) => h("li", {},
      h("span", { class: "strong" }, STAGES[reason.stage] ?? reason.stage),
      h("span", { class: "faint" }, ` ${reason.points < 0 ? "against" : "for"}, ${percent(reason.share)} `),
      h("span", {}, reason.text),
      reason.heard && [" ", h("span", { class: "heard" },
        playButton(hit.track, reason.heard.start_seconds, `where it was heard, ${clock(reason.heard.start_seconds)}`, signal),
        `${clock(reason.heard.start_seconds)}–${clock(reason.heard.end_seconds)}`)]))),
    hit.window.text && h("p", { class: "small faint" }, hit.window.text),
    hit.tags.length > 0 && h("p", { class: "small faint" }, `Heard: ${hit.tags.join(", ")}`));
}
