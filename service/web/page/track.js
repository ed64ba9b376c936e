// One track with everything that was heard in it, and the tracks that are like it.

import { get } from "./api.js";
import { factList, hitCard } from "./card.js";
import { empty, h, heading, loading, put, svg, trouble, whenSeen } from "./dom.js";
import { clock, nameOf, percent } from "./format.js";
import { tagLink } from "./library.js";
import { playButton } from "./player.js";
import { waveform } from "./waveform.js";

export function trackView({ id, signal }) {
  const place = h("div", {}, heading("Track"), loading());
  const open = () => get(`v1/tracks/${id}`, {}, signal)
    .then((track) => { place.replaceChildren(...page(track, signal)); document.title = `${nameOf(track)} – MusiScene`; place.querySelector("h1").focus(); })
    .catch((problem) => put(place, heading("Track"), trouble(problem, open)));
  open();
  return place;
}

/** The tracks that are like one, on their own. */
export function similarView({ id, signal }) {
  const place = h("div", {}, heading("Similar tracks"), loading());
  const open = async () => {
    try {
      const [track, found] = await Promise.all([get(`v1/tracks/${id}`, {}, signal), get(`v1/tracks/${id}/similar`, { top_k: 12 }, signal)]);
      put(place, heading(`Like ${nameOf(track)}`, h("p", {}, h("a", { href: `#/track/${id}` }, "To the track itself"))), h("h2", { class: "hidden" }, "Tracks"), alike(found, signal));
      place.querySelector("h1").focus();
    } catch (problem) {
      put(place, heading("Similar tracks"), trouble(problem, open));
    }
  };
  open();
  return place;
}

function alike(found, signal) {
  if (!found.hits.length) return empty("No other track is like it.", found.notice && h("p", {}, found.notice));
  const item = (hit) => h("li", {}, hitCard(hit, {
    signal, actions: [h("a", { class: "button", href: `#/similar/${hit.track.id}`, "aria-label": `Similar to ${nameOf(hit.track)}` }, "Similar")],
  }));
  return h("ol", { class: "cards" }, found.hits.map(item));
}

function page(track, signal) {
  const name = nameOf(track);
  const wave = waveform(track, { windows: track.segments, signal, tall: true });
  const near = h("section", { "aria-label": "Similar tracks" }, h("h2", {}, "Similar tracks"), loading());
  whenSeen(near, () => get(`v1/tracks/${track.id}/similar`, { top_k: 5 }, signal)
    .then((found) => put(near, h("h2", {}, "Similar tracks"), alike(found, signal)))
    .catch((problem) => put(near, h("h2", {}, "Similar tracks"), trouble(problem))));
  return [
    heading(name, h("p", { class: "faint" }, [track.artist, track.album].filter(Boolean).join(" · ")), track.generated && h("span", { class: "badge" }, "generated")),
    h("div", { class: "with-play" }, playButton(track, 0, name, signal), wave),
    energy(track),
    h("div", { class: "labelled" }, factList(track, signal)),
    h("section", { "aria-label": "Scenes" }, h("h2", {}, "What is heard, and the scenes it calls up"),
      h("ol", { class: "segments" }, track.segments.map((segment, place) => segmentItem(track, segment, place, wave, signal)))),
    h("section", { "aria-label": "Tags" }, h("h2", {}, "Tags"),
      h("ul", { class: "tags" }, track.tags.slice(0, 16).map((tag) => h("li", {}, tagLink(tag.name), h("span", { class: "small faint" }, ` ${percent(tag.score)}`))))),
    h("p", { class: "small faint path" }, track.path),
    near,
  ];
}

function segmentItem(track, segment, place, wave, signal) {
  const span = `${clock(segment.start_seconds)}–${clock(segment.end_seconds)}`;
  const light = (index) => () => wave.highlight(index);
  return h("li", { onpointerenter: light(place), onpointerleave: light(-1), onfocusin: light(place), onfocusout: light(-1) },
    playButton(track, segment.start_seconds, `${nameOf(track)} from ${clock(segment.start_seconds)}`, signal),
    h("div", {},
      h("h3", {}, segment.title ? `${segment.title}, ${span}` : span),
      segment.scene_captions.map((caption) => h("blockquote", {}, caption)),
      segment.music_caption && h("p", { class: "small faint" }, segment.music_caption)));
}

function energy(track) {
  const curve = track.energy_curve;
  if (curve.length < 2) return null;
  const points = curve.map((value, place) => `${place} ${(1 - value).toFixed(3)}`).join("L");
  return h("figure", { class: "energy" },
    svg("svg", { viewBox: `0 0 ${curve.length - 1} 1`, preserveAspectRatio: "none", role: "img", "aria-label": `Energy, from ${percent(curve[0])} at the start to ${percent(curve.at(-1))} at the end; most at ${clock(curve.indexOf(Math.max(...curve)))}` },
      svg("path", { d: `M0 1L${points}L${curve.length - 1} 1Z` })),
    h("figcaption", { class: "small faint" }, "Energy"));
}
