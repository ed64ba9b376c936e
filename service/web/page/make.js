// Music that is made: from a scene or from words for the music, and what was made before.

import { get, post } from "./api.js";
import { addressOf, scenesOf } from "./brief.js";
import { h, heading, put, trouble } from "./dom.js";
import { clock, seconds } from "./format.js";
import { checkOf, generationPanel, licenceOf } from "./generation.js";
import { hasEnded, jobCard } from "./job.js";
import { endless } from "./paging.js";

const STREAMS_AT_ONCE = 2; // a browser opens six connections, and audio wants some of them
const BACKENDS = [
  ["auto", "The best that the service's machine has", "The result says what made it, and its licence."],
  ["composer", "Composer", "Composes by rules, in seconds. Commercial use: allowed."],
  ["musicgen", "MusicGen", "Weights CC-BY-NC-4.0. Commercial use: not allowed. Slow without a GPU."],
  ["audiocraft", "MusicGen by audiocraft", "Weights CC-BY-NC-4.0. Commercial use: not allowed. Slow without a GPU."],
];
const POINT = /^(?:(swell|hit|cut|quiet)\s+(?:at\s+)?([\d:.]+)|([\d:.]+)\s+(swell|hit|cut|quiet))$/i;

export function makeView({ parameters, signal }) {
  let streams = 0;
  const list = h("ul", { class: "jobs" });
  const load = async (after) => {
    const page = await get("v1/generations", { limit: 5, after }, signal);
    return { items: page.generations, after: page.after };
  };
  const foot = endless(list, { load, item: (job) => h("li", {}, madeCard(job)), none: h("p", { class: "faint" }, "No music was made yet."), signal, isEager: false });
  return h("div", {}, heading("Make music", h("p", { class: "lead" },
    "For a scene that nothing in the library fits. Every piece is heard before you get it, and joins the library, marked as generated.")),
    makeForm(parameters.get("brief") ?? "", (job) => list.prepend(h("li", {}, generationPanel(job.id, signal)))),
    h("section", { "aria-labelledby": "made-title" }, h("h2", { id: "made-title" }, "Made before"), list, foot));

  function madeCard(job) {
    const details = (now) => h("div", { class: "outcome" },
      now.brief && h("p", { class: "small" }, "For: ", h("a", { href: addressOf({ text: now.brief }) }, now.brief)),
      now.provenance?.hits.length > 0 && h("p", { class: "small" }, `Meets: ${hitWords(now.provenance.hits)}`),
      checkOf(now), licenceOf(now), now.track_id && h("p", { class: "small" }, h("a", { href: `#/track/${now.track_id}` }, "Listen, and see the track")));
    const live = !hasEnded(job) && (streams += 1) <= STREAMS_AT_ONCE;
    return jobCard(job, { path: `v1/generations/${job.id}`, title: job.prompt, details, live, signal });
  }
}

function makeForm(scene, begun) {
  const text = h("textarea", { id: "make-text", rows: "2", required: true, maxlength: "2000", placeholder: "The last light on the harbour, boats coming home" });
  text.value = scene;
  const isPrompt = h("input", { type: "checkbox", id: "make-prompt" });
  const length = h("input", { id: "make-length", class: "short", value: "0:30", autocomplete: "off", oninput: () => length.setCustomValidity("") });
  const points = h("input", { id: "make-points", placeholder: "0:12 swell, 0:24 cut", autocomplete: "off", "aria-describedby": "make-points-help", oninput: () => points.setCustomValidity("") });
  const licence = h("p", { id: "make-licence", class: "small" }, BACKENDS[0][2]);
  const backend = h("select", { id: "make-backend", "aria-describedby": "make-licence", onchange: () => put(licence, BACKENDS.find(([name]) => name === backend.value)[2]) },
    BACKENDS.map(([name, label]) => h("option", { value: name }, label)));
  const takes = h("select", { id: "make-takes" }, [1, 2, 3, 5, 8].map((count) => h("option", { value: String(count), selected: count === 3 || null }, String(count))));
  const note = h("div", {});
  return h("form", { class: "brief", "aria-label": "Make music", onsubmit: start },
    h("label", { for: "make-text", class: "strong" }, "The scene"), text,
    h("label", { class: "choose" }, isPrompt, "These are words for the music, such as “folk, joyful, guitar, 110 bpm”"),
    h("div", { class: "fields" },
      h("div", {}, h("label", { for: "make-length" }, "Length"), length),
      h("div", { class: "wide" }, h("label", { for: "make-points" }, "Points to meet"), points),
      h("div", {}, h("label", { for: "make-takes" }, "Takes"), takes),
      h("div", { class: "wide" }, h("label", { for: "make-backend" }, "Made by"), backend)),
    h("p", { id: "make-points-help", class: "small faint" }, "A swell rises to its point, a hit has an accent, a cut is silent from there, quiet thins out."),
    licence, h("div", { class: "row" }, h("button", { class: "primary" }, "Make music")), note);

  async function start(event) {
    event.preventDefault();
    const wanted = seconds(length.value);
    if (!wanted) return complain(length, "A length such as 45 or 1:30");
    const hits = hitsFrom(points.value);
    if (!hits) return complain(points, "Points such as 0:12 swell, 0:24 cut");
    const what = isPrompt.checked ? { prompt: text.value.trim() } : { captions: scenesOf(text.value) };
    put(note);
    try {
      begun(await post("v1/generations", { ...what, seconds: wanted, hits, takes: Number(takes.value), backend: backend.value }));
    } catch (problem) {
      put(note, trouble(problem));
    }
  }
}

function complain(field, words) {
  field.setCustomValidity(words);
  field.reportValidity();
}

/** "0:12 swell, cut at 0:24" -> what the service takes, in the order of time; null if it cannot be read. */
function hitsFrom(text) {
  const hits = [];
  for (const part of text.split(",").map((one) => one.trim()).filter(Boolean)) {
    const found = part.match(POINT);
    const at = found && seconds(found[2] ?? found[3]);
    if (at === null || Number.isNaN(at)) return null;
    hits.push({ seconds: at, kind: (found[1] ?? found[4]).toLowerCase() });
  }
  return hits.sort((one, other) => one.seconds - other.seconds);
}

function hitWords(hits) {
  return hits.map((hit) => `${hit.kind} at ${clock(hit.seconds)}`).join(", ");
}
