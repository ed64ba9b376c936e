// The brief: what is seen, and what the music must and must not be.

import { h } from "./dom.js";
import { filterField } from "./filters.js";
import { seconds } from "./format.js";

const EXAMPLES = [
  ["Rain on a window", "rain on a window, she reads the letter again"],
  ["Birthday", "a toddler blows out birthday candles and everybody laughs"],
  ["Night drive", "driving through the empty city at night, neon lights"],
  ["Three scenes", "she packs her suitcase\nthe train leaves the station\nthe sea at last"],
];

/** The parts of a brief, as the page's address has them. */
export function briefFrom(parameters) {
  return {
    text: parameters.get("brief") ?? "",
    filter: parameters.get("filter") ?? "",
    without: parameters.get("without") ?? "",
    length: parameters.get("length") ?? "",
  };
}

export function addressOf(brief) {
  const parts = { brief: brief.text.trim(), filter: brief.filter, without: brief.without, length: brief.length };
  return `#/find?${new URLSearchParams(Object.entries(parts).filter(([, value]) => value))}`;
}

/** The scenes of a brief, one a line. */
export function scenesOf(text) {
  return text.split("\n").map((line) => line.trim()).filter(Boolean);
}

/** A brief as `POST /v1/matches` takes it. */
export function asRequest(brief) {
  return {
    captions: scenesOf(brief.text),
    filter: brief.filter,
    negatives: brief.without.split(",").map((word) => word.trim()).filter(Boolean),
    length_seconds: seconds(brief.length) || null,
    top_k: 12,
  };
}

/** The form; `onsubmit` gets the brief. */
export function briefForm(brief, onsubmit) {
  const text = h("textarea", {
    id: "brief", rows: "3", required: true, maxlength: "20000", "aria-describedby": "brief-help",
    placeholder: "A toddler blows out birthday candles …", oninput: () => grow(),
  });
  text.value = brief.text;
  const length = h("input", { id: "length", class: "short", value: brief.length, placeholder: "0:45", autocomplete: "off", oninput: () => length.setCustomValidity("") });
  const without = h("input", { id: "without", value: brief.without, placeholder: "drums, vocals", autocomplete: "off", maxlength: "1000" });
  const filter = filterField(brief.filter);
  const more = h("details", { class: "more", open: Boolean(brief.filter || brief.without || brief.length) || null },
    h("summary", {}, "Length, filters, what to avoid"),
    h("div", { class: "fields" },
      h("div", {}, h("label", { for: "length" }, "Wanted length"), length),
      h("div", { class: "wide" }, h("label", { for: "without" }, "Without"), without)),
    filter.element);
  const examples = h("div", { class: "examples" }, h("span", { class: "small faint" }, "Try"), EXAMPLES.map(([label, words]) =>
    h("button", { type: "button", class: "chip", onclick: () => { text.value = words; grow(); form.requestSubmit(); } }, label)));
  const form = h("form", { class: "brief", "aria-label": "Brief", onsubmit: submit, onkeydown: (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); form.requestSubmit(); }
  } },
    h("label", { for: "brief", class: "strong" }, "What is seen?"), text,
    h("p", { id: "brief-help", class: "small faint" }, "One scene a line. ", h("kbd", {}, "Ctrl"), " + ", h("kbd", {}, "Enter"), " finds music."),
    more, h("div", { class: "row" }, h("button", { class: "primary" }, "Find music")), examples);

  function grow() {
    text.rows = Math.min(12, Math.max(3, text.value.split("\n").length));
  }

  function submit(event) {
    event.preventDefault();
    const wanted = seconds(length.value);
    if (Number.isNaN(wanted) || wanted === 0) {
      more.open = true;
      length.setCustomValidity("A length such as 45 or 1:30");
      length.reportValidity();
    } else if (!scenesOf(text.value).length) text.focus();
    else onsubmit({ text: text.value, filter: filter.value(), without: without.value.trim(), length: length.value.trim() });
  }

  grow();
  return { element: form, showProblem: (problem) => filter.showProblem(problem) && (more.open = true), focus: () => text.focus() };
}
