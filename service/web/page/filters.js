// The filter: chips and small forms that write the service's own grammar, which can be edited as text.

import { h } from "./dom.js";
import { seconds } from "./format.js";

const TONICS = ["C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B"];
const WORDS = {
  mood: ["happy", "sad", "mellow", "party", "chill", "chillout", "beautiful", "catchy", "easy listening"],
  instrument: ["cello", "choir", "drums", "flute", "guitar", "harp", "piano", "sitar", "strings", "synth", "violin"],
  genre: ["ambient", "blues", "classical", "country", "dance", "electronic", "folk", "Hip-Hop", "indie", "jazz", "metal", "pop", "rock", "soul", "techno"],
};
const KINDS = { bpm: "Tempo", key: "Key", mood: "Mood", vocals: "Vocals", instrument: "Instrument", genre: "Genre", duration: "Length" };
let count = 0;

/** The terms of a filter that all must hold; one term where it has `or` and the like. */
export function termsOf(text) {
  const terms = [];
  let [term, depth, isQuoted] = ["", 0, false];
  for (const letter of text.trim()) {
    if (letter === '"') isQuoted = !isQuoted;
    else if (!isQuoted && "()".includes(letter)) depth += letter === "(" ? 1 : -1;
    if (/\s/.test(letter) && !isQuoted && depth === 0) {
      if (term) terms.push(term);
      term = "";
    } else term += letter;
  }
  if (term) terms.push(term);
  return terms.some((one) => /^(or|and|not)$/i.test(one)) ? [text.trim()] : terms;
}

function quoted(word) {
  return /[\s"()|]/.test(word) ? `"${word.replaceAll('"', "")}"` : word;
}

function range(field, low, high) {
  if (low === null && high === null) return null;
  if (high === null) return `${field}>=${low}`;
  return low === null ? `${field}<=${high}` : `${field}=${low}..${high}`;
}

/** The part of a form that edits a filter; `onchange` gets its text. */
export function filterField(text, onchange) {
  const id = `filter-${(count += 1)}`;
  const input = h("input", { id, value: text, spellcheck: "false", autocomplete: "off", "aria-describedby": `${id}-trouble`, oninput: () => showChips(), onchange: () => changed() });
  input.maxLength = 2000;
  const chips = h("ul", { class: "chips", "aria-label": "Filters in use" });
  const complaint = h("p", { id: `${id}-trouble`, class: "complaint" });
  const asText = h("details", {}, h("summary", {}, "Edit as text"),
    h("label", { for: id }, "Filter, such as ", h("code", {}, "bpm=90..120 -tag=metal")), input, complaint);
  const kind = h("select", { "aria-label": "Filter by", onchange: () => showEditor() },
    Object.entries(KINDS).map(([field, label]) => h("option", { value: field }, label)));
  const editor = h("span", { class: "row" });
  const add = h("button", { type: "button", onclick: () => addTerm() }, "Add");
  let read = () => null;

  function changed() {
    complaint.replaceChildren();
    input.removeAttribute("aria-invalid");
    showChips();
    onchange?.(input.value.trim());
  }

  function showChips() {
    chips.replaceChildren(...termsOf(input.value).map((term) => h("li", {},
      h("button", { type: "button", class: "chip", "aria-label": `Remove filter ${term}`, onclick: () => without(term) }, term, h("span", { "aria-hidden": "true" }, " ✕")))));
    chips.hidden = !chips.children.length;
  }

  function without(term) {
    input.value = termsOf(input.value).filter((one) => one !== term).join(" ");
    changed();
    kind.focus();
  }

  function addTerm() {
    const term = read();
    if (!term) return editor.querySelector("input, select")?.focus();
    const isOne = ["bpm", "key", "vocals", "duration"].includes(kind.value);
    const kept = termsOf(input.value).filter((one) => one !== term && !(isOne && one.match(/^[a-z_]+/)?.[0] === kind.value));
    input.value = [...kept, term].join(" ");
    showEditor();
    changed();
  }

  function showEditor() {
    const parts = EDITORS[kind.value]?.() ?? wordEditor(kind.value);
    read = parts.read;
    editor.replaceChildren(...parts.elements);
  }

  /** Show where the service could not read it. */
  function showProblem(problem) {
    const part = problem.parts.find((one) => one.key === "filter");
    if (!part) return false;
    const [from, found] = [part.position ?? 0, part.found ?? ""];
    const value = input.value;
    asText.open = true;
    input.setAttribute("aria-invalid", "true");
    complaint.replaceChildren(
      h("code", {}, value.slice(0, from), h("mark", {}, value.slice(from, from + Math.max(1, found.length)) || "⌄"), value.slice(from + Math.max(1, found.length))),
      h("span", {}, `${part.message}; expected ${part.expected}.`));
    input.focus();
    input.setSelectionRange(from, from + found.length);
    return true;
  }

  const editing = h("div", { class: "row", onkeydown: (event) => {
    if (event.key !== "Enter" || event.target.tagName === "BUTTON") return;
    event.preventDefault();
    addTerm();
  } }, kind, editor, add);
  showEditor();
  showChips();
  const element = h("fieldset", { class: "filters" }, h("legend", {}, "Filters"), chips, editing, asText);
  return { element, value: () => input.value.trim(), showProblem };
}

const EDITORS = {
  bpm: () => rangeEditor("bpm", "number", (text) => (text ? Number(text) : null), "bpm"),
  duration: () => rangeEditor("duration", "text", seconds, "length such as 0:30"),
  key: () => {
    const tonic = options("Tonic", TONICS.map((one) => [one, one.replace("#", "♯")]));
    const mode = options("Mode", [["", "either"], [":major", "major"], [":minor", "minor"]]);
    return { elements: [tonic, mode], read: () => `key=${tonic.value}${mode.value}` };
  },
  vocals: () => {
    const choice = options("Vocals", [["no", "none"], ["yes", "with vocals"]]);
    return { elements: [choice], read: () => `vocals=${choice.value}` };
  },
};

function options(label, values) {
  return h("select", { "aria-label": label }, values.map(([value, text]) => h("option", { value }, text)));
}

function rangeEditor(field, type, number, what) {
  const inputs = ["from", "to"].map((end) => h("input", { type, class: "short", "aria-label": `${end} (${what})`, placeholder: end, inputmode: "numeric", min: type === "number" ? "0" : null }));
  return {
    elements: inputs,
    read: () => {
      const [low, high] = inputs.map((input) => number(input.value));
      return Number.isNaN(low) || Number.isNaN(high) ? null : range(field, low, high);
    },
  };
}

function wordEditor(field) {
  const list = `${field}-words-${(count += 1)}`;
  const input = h("input", { class: "medium", "aria-label": KINDS[field], list, placeholder: WORDS[field][0], maxlength: "60" });
  const sense = options("With or without", [["", "with"], ["-", "without"]]);
  return {
    elements: [sense, input, h("datalist", { id: list }, WORDS[field].map((word) => h("option", { value: word })))],
    read: () => (input.value.trim() ? `${sense.value}${field}=${quoted(input.value.trim())}` : null),
  };
}
