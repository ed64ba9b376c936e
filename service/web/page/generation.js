// Music that is made for a brief: its progress, then the track with its licence.

import { get } from "./api.js";
import { factList, naming } from "./card.js";
import { announce, h, loading, trouble } from "./dom.js";
import { nameOf } from "./format.js";
import { jobCard } from "./job.js";
import { playButton } from "./player.js";
import { waveform } from "./waveform.js";

const COMMERCIAL = { yes: "allowed", no: "not allowed", unknown: "unknown; ask before you use it" };

/** A generation as it goes on, and what came of it. */
export function generationPanel(id, signal, { onend = () => {} } = {}) {
  const place = h("div", { class: "generation" }, loading("Asking for music …"));
  const path = `v1/generations/${id}`;
  get(path, {}, signal).then(begin, (problem) => place.replaceChildren(trouble(problem)));
  return place;

  function begin(job) {
    if (job.status === "done") return finish(job);
    place.replaceChildren(jobCard(job, { path, title: `Music: ${job.prompt}`, signal, onend: (now) => { if (now.status === "done") finish(now); onend(now); } }));
  }

  async function finish(job) {
    if (!job.track_id) return;
    try {
      const track = await get(`v1/tracks/${job.track_id}`, {}, signal);
      place.replaceChildren(generatedCard(track, job, signal));
      announce(`The music is ready: ${nameOf(track)}`);
    } catch (problem) {
      place.replaceChildren(trouble(problem, () => finish(job)));
    }
  }
}

/** What may be done with generated music. */
export function licenceOf(job) {
  return job.weights_licence && h("p", { class: "licence" }, "Licence: ", h("span", { class: "strong" }, job.weights_licence),
    " · commercial use: ", h("span", { class: "strong" }, COMMERCIAL[job.commercial_use] ?? job.commercial_use));
}

/** What was heard in the music, beside what it should be. */
export function checkOf(job) {
  const { check, aims, takes = [] } = job.provenance ?? {};
  if (!check) return null;
  const { heard, agrees } = check;
  const wanted = aims ?? {};
  const parts = [
    ["tempo", `${heard.tempo_bpm} bpm`, wanted.tempo_bpm && `${wanted.tempo_bpm} wanted`],
    ["mode", heard.mode, wanted.mode && `${wanted.mode} wanted`],
    ["arousal", `arousal ${heard.arousal.toFixed(2)}`, typeof wanted.arousal === "number" && `${wanted.arousal.toFixed(2)} wanted`],
    ["scene", "scene" in agrees ? (agrees.scene ? "suits the scene" : "calls up another scene") : null, null],
  ].filter(([, said]) => said);
  const kept = takes.findIndex((take) => take.is_kept) + 1;
  return h("div", { class: "check" },
    h("ul", { class: "checks", "aria-label": "What was heard in it" }, parts.map(([part, said, aim]) =>
      h("li", { class: part in agrees ? (agrees[part] ? "agrees" : "differs") : null },
        part in agrees && h("span", { "aria-hidden": "true" }, agrees[part] ? "✓ " : "✗ "), said, part in agrees && !agrees[part] && aim && h("span", { class: "faint" }, ` (${aim})`)))),
    takes.length > 1 && h("p", { class: "small faint" }, `Take ${kept} of ${takes.length}, the best as heard`),
    heard.scenes.length > 0 && h("p", { class: "small" }, "It makes MusiScene think of: ", h("q", {}, heard.scenes[0])));
}

function generatedCard(track, job, signal) {
  return h("article", { class: "card", "aria-label": nameOf(track) },
    h("div", { class: "card-head" }, playButton(track, 0, nameOf(track), signal), naming(track)),
    waveform(track, { signal }),
    h("p", { class: "small faint" }, `Made for this brief by ${job.provenance?.model ?? job.backend}, from “${job.prompt}”`),
    checkOf(job), licenceOf(job), factList(track, signal),
    h("div", { class: "row actions" }, h("a", { class: "button", href: `#/similar/${track.id}` }, "Similar")));
}
