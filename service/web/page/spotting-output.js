// Everything a plan is taken away as: formats of editors, the cue sheet, and mixes to listen to.

import { get, post, request } from "./api.js";
import { announce, h, put, trouble } from "./dom.js";
import { percent } from "./format.js";
import { currentKey } from "./key.js";

const FORMATS = [
  ["otio", "OpenTimelineIO", "Resolve, Hiero, and through adapters most others"],
  ["fcpxml", "Final Cut Pro XML", "Final Cut Pro, Resolve"],
  ["edl", "EDL, CMX 3600", "anything that cuts"],
  ["premiere", "Premiere markers", "CSV"],
  ["reaper", "Reaper regions", "CSV"],
  ["audacity", "Audacity labels", "text"],
  ["cue-sheet", "Cue sheet", "title, writers, publisher, ISRC, in, out, usage"],
  ["json", "Whole plan", "JSON"],
];
const CONTAINERS = [["mp4", "Video with music (mp4)"], ["wav", "Sound (wav)"], ["mp3", "Sound (mp3)"]];
const LOUDNESS = [["-14", "−14 LUFS, for the web"], ["-23", "−23 LUFS, for television"]];
const AGAIN_MILLISECONDS = 1_000;

/** Links to every format. */
export function exportMenu(id) {
  const note = h("p", { class: "small complaint", role: "status" });
  const item = ([name, label, more]) => {
    const path = `v1/cue-plans/${id}/exports/${name}`;
    return h("li", {}, h("a", { href: path, download: "", "aria-describedby": `export-${name}`, onclick: (event) => fetched(event, path, note) }, label),
      h("span", { id: `export-${name}`, class: "small faint" }, more));
  };
  return h("details", { class: "menu" }, h("summary", { class: "button" }, "Export"), h("div", { class: "menu-body" }, h("ul", {}, FORMATS.map(item)), note));
}

/** A link cannot show a key: with one, the file is fetched and then saved. */
async function fetched(event, path, note) {
  if (!currentKey()) return;
  event.preventDefault();
  try {
    const response = await request(path);
    const [, name = path.split("/").pop()] = (response.headers.get("Content-Disposition") ?? "").match(/filename="?([^";]+)/) ?? [];
    const url = URL.createObjectURL(await response.blob());
    const link = h("a", { href: url, download: name });
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
  } catch (problem) {
    note.textContent = problem.message;
  }
}

/** Mixes of the film with its music: making them, how far they are, and their files. */
export function previewPanel(view, signal) {
  const path = `v1/cue-plans/${view.id}`;
  const container = h("select", { id: "preview-kind" }, CONTAINERS.map(([name, label]) => h("option", { value: name }, label)));
  const lufs = h("select", { id: "preview-lufs" }, LOUDNESS.map(([value, label]) => h("option", { value }, label)));
  const button = h("button", { type: "button", onclick: make }, "Make a preview");
  const list = h("ul", { class: "previews" });
  const note = h("div", {});
  let isWatching = false;
  show(view);
  return h("section", { class: "preview", "aria-labelledby": "preview-title" }, h("h2", { id: "preview-title" }, "Preview"),
    h("p", { class: "small faint" }, "Ducked, faded, and brought to one loudness; the picture stays untouched."),
    h("div", { class: "fields" }, h("div", {}, h("label", { for: "preview-kind" }, "As"), container), h("div", {}, h("label", { for: "preview-lufs" }, "Loudness"), lufs), h("div", { class: "at-foot" }, button)),
    note, list);

  async function make() {
    button.disabled = true;
    put(note);
    try {
      await post(`${path}/previews`, { container: container.value, lufs: Number(lufs.value) }, signal);
      await watch();
    } catch (problem) {
      put(note, trouble(problem));
    }
    button.disabled = false;
  }

  async function watch() {
    if (isWatching) return;
    isWatching = true;
    for (let isOpen = true; isOpen && !signal.aborted;) {
      const now = await get(path, {}, signal);
      show(now);
      isOpen = pending(now);
      if (isOpen) await new Promise((done) => setTimeout(done, AGAIN_MILLISECONDS));
      else announce("The preview has ended");
    }
    isWatching = false;
  }

  function show(now) {
    put(list, Object.entries(now.previews).map(([name, made]) => row(name, made, now.revision)));
    if (pending(now) && !isWatching) watch().catch((problem) => put(note, trouble(problem)));
  }

  function row(name, made, revision) {
    const label = CONTAINERS.find(([one]) => one === name)?.[1] ?? name;
    const url = made.url?.replace(/^\//, "");
    const words = [`${String(made.lufs).replace("-", "−")} LUFS`, `of revision ${made.revision}${made.revision < revision ? ", changed since" : ""}`].join(" · ");
    return h("li", { class: "row spread" }, h("div", {}, h("span", { class: "strong" }, label), h("p", { class: "small faint" }, words)),
      made.status === "done" && url && h("a", { class: "button", href: url, download: "", onclick: (event) => fetched(event, url, note) }, "Download"),
      isOpen(made) && h("span", { class: "small" }, made.progress.total ? percent(made.progress.done / made.progress.total) : made.progress.message || "waiting"),
      made.error && h("span", { class: "small complaint" }, made.error.message));
  }
}

function pending(view) {
  return Object.values(view.previews).some(isOpen);
}

function isOpen(made) {
  return ["queued", "running"].includes(made.status);
}
