// A video on its way to the service, and what is wished for its music.

import { upload } from "./api.js";
import { announce, h, put, trouble } from "./dom.js";
import { percent, seconds } from "./format.js";

const CHANGES = ["at every scene", "freely", "where it pays", "seldom", "hardly ever"];
const COSTS = [0, 0.5, 1, 3, 10];
const STRETCH = /^([\d:.]+)\s*(?:-|–|to)\s*([\d:.]+)$/;

/** A form that takes a video; `sent` is given the plan that is made for it. */
export function uploadForm({ sent, signal }) {
  const video = dropZone("score-video", "Drop a video here", "mp4, mov, mkv, webm, avi …", "video/*,.mkv,.mxf,.mov");
  const captions = h("input", { type: "file", id: "score-captions", accept: ".srt,.vtt,.csv,.txt,.tsv,.edl,.otio,.xml,.fcpxml,.json", "aria-describedby": "score-captions-help" });
  const wishes = wishFields();
  const note = h("div", {});
  const button = h("button", { class: "primary", disabled: true }, "Score it");
  const name = h("input", { id: "score-name", maxlength: "200", autocomplete: "off" });
  const form = h("form", { class: "brief", "aria-label": "Score a video", onsubmit: start }, video.element,
    h("label", { for: "score-brief", class: "strong" }, "What is it about?"), wishes.brief,
    h("details", { class: "more" }, h("summary", {}, "Captions, stretches without music, filters"),
      h("div", { class: "filters" },
        h("div", { class: "fields" },
          field("wide", "score-captions", "Captions, subtitles or markers", captions, h("p", { id: "score-captions-help", class: "small faint" }, "SRT, VTT, CSV or marker lists say what is seen; a marker “no music” keeps a stretch free.")),
          field("wide", "score-name", "Name of the plan", name)),
        wishes.element)),
    h("div", { class: "row" }, button), note);
  video.onchange((file) => {
    button.disabled = !file;
    name.placeholder = file?.name ?? "";
  });
  return form;

  async function start(event) {
    event.preventDefault();
    const wanted = wishes.read();
    if (!wanted) return;
    const body = new FormData();
    body.append("wishes", JSON.stringify(wanted));
    if (name.value.trim()) body.append("name", name.value.trim());
    if (wishes.replacesTemp()) body.append("replace_temp", "true");
    if (captions.files.length) body.append("captions", captions.files[0]);
    body.append("video", video.file());
    button.disabled = true;
    await send("v1/cue-plans", body, { note, sent, signal, name: video.file().name });
    button.disabled = false;
  }
}

/** A zone that takes the next version of a plan's video. */
export function recutForm(plan, { sent, signal }) {
  const video = dropZone("recut-video", "Drop the new cut here", "Only scenes that changed are scored anew; pinned cues stay.", "video/*,.mkv,.mxf,.mov");
  const note = h("div", {});
  video.onchange(async (file) => {
    if (!file) return;
    const body = new FormData();
    body.append("video", file);
    await send(`v1/cue-plans/${plan.id}/recuts`, body, { note, sent, signal, name: file.name });
    video.clear();
  });
  return h("div", { class: "recut" }, video.element, note);
}

async function send(path, body, { note, sent, signal, name }) {
  const stop = new AbortController();
  signal.addEventListener("abort", () => stop.abort(), { once: true });
  const bar = h("progress", { max: "1", value: "0", "aria-label": `Sending ${name}` });
  const words = h("span", { class: "small" }, "Sending …");
  put(note, h("div", { class: "job sending" }, bar, h("div", { class: "row spread" }, words, h("button", { type: "button", onclick: () => stop.abort() }, "Cancel"))));
  const onprogress = (share) => {
    bar.value = share;
    words.textContent = share < 1 ? `Sending ${name}: ${percent(share)}` : "Sent; the service looks at it …";
  };
  try {
    const plan = await upload(path, body, { onprogress, signal: stop.signal });
    put(note);
    sent(plan);
  } catch (problem) {
    if (signal.aborted) return;
    if (problem.name === "AbortError") announce("Sending was cancelled");
    put(note, problem.name === "AbortError" ? h("p", { class: "faint" }, "Sending was cancelled.") : trouble(problem));
  }
}

function dropZone(id, title, hint, accept) {
  let file = null;
  let tell = () => {};
  const input = h("input", { type: "file", id, accept, class: "hidden", onchange: () => take(input.files[0] ?? null) });
  const head = h("span", { class: "strong" }, title);
  const more = h("span", { class: "small faint" }, hint);
  const element = h("label", { class: "drop", for: id, ondragover: over, ondragleave: () => element.classList.remove("is-over"), ondrop: drop }, input, head, more);
  return { element, file: () => file, onchange: (action) => (tell = action), clear: () => { input.value = ""; take(null); } };

  function over(event) {
    event.preventDefault();
    element.classList.add("is-over");
  }

  function drop(event) {
    event.preventDefault();
    element.classList.remove("is-over");
    if (event.dataTransfer.files.length) take(event.dataTransfer.files[0]);
  }

  function take(chosen) {
    file = chosen;
    head.textContent = file ? file.name : title;
    more.textContent = file ? `${size(file.size)} · choose another` : hint;
    element.classList.toggle("has-file", file !== null);
    tell(file);
  }
}

function size(bytes) {
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(2)} GB`;
}

function field(kind, id, label, ...inputs) {
  return h("div", { class: kind }, h("label", { for: id }, label), inputs);
}

function wishFields() {
  const forget = (event) => event.target.setCustomValidity("");
  const brief = h("textarea", { id: "score-brief", rows: "2", maxlength: "4000", placeholder: "A fisherman's last summer; quiet, warm, no pathos" });
  const filter = h("input", { id: "score-filter", autocomplete: "off", spellcheck: "false", placeholder: "vocals=no bpm=60..120" });
  const unwanted = h("input", { id: "score-unwanted", autocomplete: "off", placeholder: "drums, ukulele" });
  const silent = h("input", { id: "score-silent", autocomplete: "off", placeholder: "0:00-0:12, 3:05-3:40", oninput: forget });
  const land = h("input", { id: "score-land", autocomplete: "off", placeholder: "0:42, 1:17.5", oninput: forget });
  const shown = h("output", { for: "score-changes", class: "small" }, CHANGES[2]);
  const changes = h("input", { id: "score-changes", type: "range", min: "0", max: "4", step: "1", value: "2", oninput: () => (shown.textContent = CHANGES[changes.value]) });
  const gaps = h("input", { type: "checkbox", id: "score-gaps", checked: true });
  const temp = h("input", { type: "checkbox", id: "score-temp" });
  const element = h("div", { class: "filters" },
    h("div", { class: "fields" },
      field("wide", "score-silent", "No music from – to", silent), field("wide", "score-land", "Moments to land on", land)),
    h("div", { class: "fields" },
      field("wide", "score-filter", "Filter", filter), field("wide", "score-unwanted", "Not wanted", unwanted),
      field("wide", "score-changes", "Music changes", h("div", { class: "with-output" }, changes, shown))),
    h("div", { class: "row" },
      h("label", { class: "choose" }, gaps, "Leave silence where nothing fits"),
      h("label", { class: "choose" }, temp, "Replace the music that lies under it")));

  function read() {
    const stretches = partsOf(silent.value).map((part) => part.match(STRETCH)?.slice(1).map(seconds) ?? [NaN]);
    if (stretches.some(([from, to]) => !(to > from))) return complain(silent, "Stretches such as 0:00-0:12, 3:05-3:40");
    const moments = partsOf(land.value).map((part) => seconds(part) ?? NaN);
    if (moments.some(Number.isNaN)) return complain(land, "Moments such as 0:42, 1:17.5");
    return {
      brief: brief.value.trim(), filter: filter.value.trim(), negatives: partsOf(unwanted.value), no_music: stretches, land_on: moments,
      change_cost: COSTS[changes.value], silence_allowed: gaps.checked,
    };
  }

  return { element, brief, read, replacesTemp: () => temp.checked };
}

function partsOf(text) {
  return text.split(",").map((part) => part.trim()).filter(Boolean);
}

function complain(input, words) {
  input.closest("details").open = true;
  input.setCustomValidity(words);
  input.reportValidity();
  return null;
}
