// Work: scans, and the briefs that were asked.

import { get, post } from "./api.js";
import { addressOf } from "./brief.js";
import { h, heading, put, trouble } from "./dom.js";
import { when } from "./format.js";
import { hasEnded, jobCard } from "./job.js";
import { endless } from "./paging.js";

const STREAMS_AT_ONCE = 2; // a browser opens six connections, and audio wants some of them

export function workView({ signal }) {
  let streams = 0;
  const isLive = (job) => !hasEnded(job) && (streams += 1) <= STREAMS_AT_ONCE;
  const list = h("ul", { class: "jobs" });
  const load = async (after) => {
    const page = await get("v1/scans", { limit: 5, after }, signal);
    return { items: page.scans, after: page.after };
  };
  const none = h("p", { class: "faint" }, "Nothing was scanned from here yet.");
  const foot = endless(list, { load, item: (job) => h("li", {}, scanCard(job)), none, signal, isEager: false });
  return h("div", {}, heading("Work"),
    h("section", { "aria-labelledby": "scan-title" }, h("h2", { id: "scan-title" }, "Scan music"), scanForm((job) => list.prepend(h("li", {}, scanCard(job)))), list, foot),
    h("section", { "aria-labelledby": "briefs-title" }, h("h2", { id: "briefs-title" }, "Recent briefs"), briefList(signal)));

  function scanCard(job) {
    return jobCard(job, { path: `v1/scans/${job.id}`, title: job.paths.join(", "), unit: "tracks", details: scanDetails, live: isLive(job), signal });
  }
}

function scanForm(begun) {
  const path = h("input", { id: "scan-path", required: true, placeholder: "/srv/music", autocomplete: "off", spellcheck: "false" });
  const retry = h("input", { type: "checkbox", id: "scan-retry" });
  const note = h("div", {});
  return h("form", { class: "scan", onsubmit: start, "aria-label": "Scan" },
    h("label", { for: "scan-path" }, "Folder on the service's machine"),
    h("div", { class: "row" }, path, h("button", { class: "primary" }, "Scan")),
    h("label", { class: "choose" }, retry, "Try again what failed before"), note);

  async function start(event) {
    event.preventDefault();
    put(note);
    try {
      begun(await post("v1/scans", { paths: [path.value.trim()], retry: retry.checked }));
    } catch (problem) {
      put(note, trouble(problem));
    }
  }
}

function scanDetails(job) {
  const { counts, failed, failures, tracks_deleted: deleted, duplicates_found: duplicates } = job.outcome;
  const parts = [
    [counts.files_found, "files found"], [counts.tracks_indexed, "taken in"], [counts.tracks_unchanged, "unchanged"], [counts.tracks_moved, "moved"],
    [counts.tracks_missing, "gone"], [deleted, "deleted"], [duplicates, "duplicates"], [failed, "failed"],
  ].filter(([number]) => number).map(([number, what]) => `${number} ${what}`);
  return h("div", {}, parts.length > 0 && h("p", { class: "small" }, parts.join(" · ")),
    failures.length > 0 && h("details", {}, h("summary", {}, failed === 1 ? "1 file failed" : `${failed} files failed`),
      h("ul", { class: "failures" }, failures.map((one) => h("li", {}, h("code", {}, one.path), h("span", { class: "small" }, ` ${one.stage}: ${one.reason}`))))));
}

function briefList(signal) {
  const list = h("ul", { class: "briefs" });
  const load = async (after) => {
    const page = await get("v1/briefs", { limit: 10, after }, signal);
    return { items: page.briefs, after: page.after };
  };
  const item = (asked) => h("li", {},
    h("a", { href: addressOf({
      text: asked.captions.join("\n"), filter: typeof asked.filter === "string" ? asked.filter : "",
      without: asked.negatives.join(", "), length: asked.length_seconds ? String(asked.length_seconds) : "",
    }) }, asked.captions.join(" / ")),
    h("span", { class: "small faint" }, ` ${asked.decision === "matched" ? `${asked.track_ids.length} tracks` : "nothing fitted"} · ${when(asked.asked_at)}`));
  return h("div", {}, list, endless(list, { load, item, none: h("p", { class: "faint" }, "No brief was asked yet."), signal, isEager: false }));
}
