// The library: words, filters and order; rows that go on for ever.

import { get } from "./api.js";
import { announce, empty, h, heading, put } from "./dom.js";
import { filterField } from "./filters.js";
import { clock, keyName, nameOf, vocals } from "./format.js";
import { endless } from "./paging.js";
import { playButton } from "./player.js";

const ORDERS = {
  "-added": "Newest first", "added": "Oldest first", "title": "Title", "artist": "Artist", "bpm": "Slowest first",
  "-bpm": "Fastest first", "duration": "Shortest first", "-duration": "Longest first",
};
const TYPING_MILLISECONDS = 250;

export function libraryView({ parameters, signal }) {
  const asked = { q: parameters.get("q") ?? "", sort: parameters.get("sort") ?? "-added", filter: parameters.get("filter") ?? "" };
  const words = h("input", { id: "words", type: "search", value: asked.q, placeholder: "title, artist, caption …", autocomplete: "off", maxlength: "500", oninput: typed });
  const order = h("select", { id: "order", onchange: () => change({ sort: order.value }) },
    Object.entries(ORDERS).map(([value, label]) => h("option", { value, selected: value === asked.sort }, label)));
  const filter = filterField(asked.filter, (text) => change({ filter: text }));
  const total = h("p", { class: "small faint", role: "status" });
  const place = h("div", {});
  let timer = 0;
  let shown = new AbortController();
  signal.addEventListener("abort", () => shown.abort(), { once: true });
  show();
  return h("div", {}, heading("Library"),
    h("form", { class: "search", role: "search", onsubmit: (event) => event.preventDefault() },
      h("div", { class: "fields" },
        h("div", { class: "wide" }, h("label", { for: "words" }, "Search"), words),
        h("div", {}, h("label", { for: "order" }, "Order"), order)),
      h("details", { class: "more", open: Boolean(asked.filter) || null }, h("summary", {}, "Filters"), filter.element)),
    total, place);

  function typed() {
    clearTimeout(timer);
    timer = setTimeout(() => change({ q: words.value.trim() }), TYPING_MILLISECONDS);
  }

  function change(part) {
    if (signal.aborted) return;
    Object.assign(asked, part);
    const kept = Object.entries(asked).filter(([name, value]) => value && !(name === "sort" && value === "-added"));
    history.replaceState(null, "", `#/library${kept.length ? `?${new URLSearchParams(kept)}` : ""}`);
    show();
  }

  function show() {
    shown.abort();
    shown = new AbortController();
    const now = shown.signal;
    const list = h("ul", { class: "rows", "aria-label": "Tracks" });
    const isNarrowed = asked.q || asked.filter;
    const none = isNarrowed
      ? empty("No track is like that.", h("p", {}, "Take a word or a filter away."))
      : empty("There is no track yet.", h("p", {}, "Scan a folder of music under ", h("a", { href: "#/work" }, "Work"), "."));
    const load = async (after) => {
      const page = await get("v1/tracks", { ...asked, limit: 40, after }, now).catch((problem) => {
        filter.showProblem(problem.parts ? problem : { parts: [] });
        throw problem;
      });
      if (!after) {
        total.textContent = `${page.total} ${page.total === 1 ? "track" : "tracks"}`;
        announce(total.textContent);
      }
      return { items: page.tracks, after: page.after };
    };
    put(place, list, endless(list, { load, item: (track) => row(track, now), none, signal: now }));
  }
}

function row(track, signal) {
  const name = nameOf(track);
  const from = [track.artist, track.album].filter(Boolean).join(" · ");
  return h("li", { class: "row-track" },
    playButton(track, 0, name, signal),
    h("div", { class: "naming" },
      h("p", {}, h("a", { href: `#/track/${track.id}`, class: "strong" }, name), track.generated && h("span", { class: "badge" }, "generated")),
      from && h("p", { class: "small faint" }, from),
      track.scene_caption && h("p", { class: "quote" }, track.scene_caption)),
    h("p", { class: "small faint numbers" }, [`${Math.round(track.bpm)} bpm`, keyName(track.key), clock(track.duration_seconds), vocals(track.vocal_probability)].join(" · ")),
    h("ul", { class: "tags", "aria-label": `Tags of ${name}` }, track.tags.slice(0, 4).map((tag) => h("li", {}, tagLink(tag)))));
}

/** A tag; it leads to the tracks that have it. */
export function tagLink(tag) {
  const filter = /[\s"()|]/.test(tag) ? `tag="${tag}"` : `tag=${tag}`;
  return h("a", { class: "tag", href: `#/library?${new URLSearchParams({ filter })}` }, tag);
}
