// The tracks that were chosen for a brief, to be taken away as CSV or JSON.

import { announce, download, h } from "./dom.js";
import { nameOf } from "./format.js";

const COLUMNS = ["track", "artist", "path", "in", "out", "bpm", "key", "licence", "brief"];
const chosen = new Map(); // brief -> track id -> cue

function cueOf(hit, brief) {
  const { track, window } = hit;
  return {
    track: nameOf(track), artist: track.artist ?? "", path: track.path, in: window.start_seconds,
    out: window.end_seconds, bpm: track.bpm, key: track.key, licence: track.licence ?? "", brief,
  };
}

/** Cues as CSV; what a spreadsheet would take for a formula is kept from being one. */
export function asCsv(cues) {
  const cell = (value) => {
    const text = typeof value === "string" ? value.replace(/^[=+\-@\t\r]/, "'$&") : String(value);
    return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  const rows = cues.map((cue) => COLUMNS.map((name) => cell(cue[name])).join(","));
  return [COLUMNS.join(","), ...rows, ""].join("\r\n");
}

/** A checkbox for each hit, and the bar that downloads the chosen ones. */
export function cueSheet(brief) {
  if (!chosen.has(brief)) chosen.set(brief, new Map());
  const cues = chosen.get(brief);
  const boxes = [];
  const count = h("span", {});
  const save = (kind, type, text) => {
    download(`cues.${kind}`, type, text([...cues.values()]));
    announce(`${cues.size} cues downloaded`);
  };
  const buttons = [
    h("button", { type: "button", onclick: () => save("csv", "text/csv", asCsv) }, "Download CSV"),
    h("button", { type: "button", onclick: () => save("json", "application/json", (all) => `${JSON.stringify(all, null, 2)}\n`) }, "Download JSON"),
  ];

  function show() {
    count.textContent = cues.size ? `${cues.size} chosen` : "Choose tracks to take their cues along.";
    buttons.forEach((button) => (button.disabled = !cues.size));
  }

  function box(hit) {
    const input = h("input", { type: "checkbox", onchange: () => {
      if (input.checked) cues.set(hit.track.id, cueOf(hit, brief));
      else cues.delete(hit.track.id);
      show();
    } });
    input.checked = cues.has(hit.track.id);
    boxes.push(input);
    return h("label", { class: "choose" }, input, "Choose", h("span", { class: "hidden" }, ` ${nameOf(hit.track)}`));
  }

  const clear = (trackId) => { cues.delete(trackId); show(); };
  show();
  return { bar: h("div", { class: "cues row", role: "group", "aria-label": "Cues" }, count, buttons), box, clear };
}
