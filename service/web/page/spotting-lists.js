// A plan as tables: every cue with its licence, and what became of each in a new cut.

import { h } from "./dom.js";
import { hasMusic } from "./spotting-mix.js";
import { licenceWords } from "./spotting-cue.js";
import { lateness, titleOf } from "./timeline-cues.js";

const COLUMNS = ["#", "In", "Out", "Length", "Track", "Artist", "Licence", "Usage"];

/** Every cue in a row. */
export function cueTable(plan, { clock, chosen, choose }) {
  const row = (cue, place) => {
    const track = hasMusic(cue) ? cue.chosen.track : null;
    return h("tr", { class: cue.id === chosen ? "is-chosen" : null },
      h("td", {}, String(place + 1)),
      h("td", { class: "timecode" }, clock.code(cue.start_frame)), h("td", { class: "timecode" }, clock.code(cue.end_frame)),
      h("td", { class: "timecode" }, `${(cue.end_seconds - cue.start_seconds).toFixed(1)} s`),
      h("td", {}, h("button", { type: "button", class: "plain", "data-part": `row ${cue.id}`, onclick: () => choose(cue.id) }, titleOf(cue)),
        cue.is_pinned && h("span", { class: "badge" }, "pinned"), cue.is_muted && h("span", { class: "badge" }, "muted"), track?.generated && h("span", { class: "badge" }, "generated")),
      h("td", {}, track ? track.artist ?? h("span", { class: "missing" }, "not on file") : ""),
      h("td", {}, track ? h("span", { class: track.licence ? null : "missing" }, licenceWords(track)) : ""),
      h("td", {}, track ? cue.usage : ""));
  };
  return h("section", { "aria-labelledby": "cues-title" }, h("h2", { id: "cues-title" }, "All cues"),
    h("div", { class: "table", tabindex: "0", role: "region", "aria-label": "Table of all cues" },
      h("table", {}, h("thead", {}, h("tr", {}, COLUMNS.map((name) => h("th", { scope: "col" }, name)))), h("tbody", {}, plan.cues.map(row)))));
}

/** What became of each cue of the version before. */
export function diffList(diff, parent, { plan, choose }) {
  const ids = new Set(plan.cues.map((cue) => cue.id));
  const counted = ["kept", "moved", "trimmed", "swapped", "added", "removed"]
    .map((what) => [what, diff.changes.filter((change) => change.what === what).length]).filter(([, count]) => count);
  return h("section", { class: "diff", "aria-labelledby": "diff-title" }, h("h2", { id: "diff-title" }, "What the new cut changed"),
    h("p", { class: "small" }, `${diff.scenes_kept} scenes are as before, ${diff.scenes_changed} were scored anew. Cues: `, counted.map(([what, count]) => `${count} ${what}`).join(", "), ". ",
      parent && h("a", { href: `#/score/${parent}` }, "The version before")),
    h("ul", { class: "changes" }, diff.changes.map((change) => h("li", {},
      h("span", { class: `badge what ${change.what}` }, change.what), " ",
      ids.has(change.cue) ? h("button", { type: "button", class: "plain", onclick: () => choose(change.cue) }, change.text) : change.text,
      change.missed.map((landing) => h("p", { class: "small complaint" }, `A landing is lost: ${landing.kind} would be ${lateness(landing)}.`))))));
}
