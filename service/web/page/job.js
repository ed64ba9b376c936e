// One scan or generation: how far it is, live, and its cancelling.

import { follow, remove } from "./api.js";
import { announce, h, put } from "./dom.js";
import { about, percent, when } from "./format.js";

const STATUS = { queued: "waiting", running: "running", done: "done", failed: "failed", cancelled: "cancelled" };

export function hasEnded(job) {
  return ["done", "failed", "cancelled"].includes(job.status);
}

/**
 * Show a job as it goes on. `path` is its address; `details` gives what is special about its kind;
 * `unit` is what it counts, null for nothing that people would count; `onend` is given null for a
 * job that is gone once it is cancelled.
 */
export function jobCard(job, { path, title, unit = null, details = () => null, live = true, onend = () => {}, signal }) {
  const badge = h("span", { class: "badge" });
  const bar = h("progress", { "aria-label": `Progress of ${title}`, max: "1" });
  const line = h("p", { class: "small" });
  const outcome = h("div", {});
  const stop = h("button", { type: "button", onclick: cancel }, "Cancel");
  const element = h("article", { class: "job", "aria-label": title },
    h("div", { class: "row spread" }, h("h3", {}, title), badge),
    bar, line, outcome, h("div", { class: "row spread" }, h("span", { class: "small faint" }, when(job.created_at)), stop));
  let known = "";
  show(job);
  if (live && !hasEnded(job)) watch();
  return element;

  function show(now) {
    job = now;
    const { progress, status } = job;
    badge.textContent = STATUS[status];
    badge.className = `badge ${status}`;
    bar.hidden = hasEnded(job);
    if (progress.total) bar.value = progress.done / progress.total;
    else bar.removeAttribute("value");
    line.textContent = words(progress);
    put(outcome, job.error && h("p", { class: "complaint" }, `${job.error.message} (${job.error.code})`), details(job));
    stop.hidden = hasEnded(job);
    stop.disabled = job.cancel_requested === true;
    stop.textContent = job.cancel_requested ? "Stopping …" : "Cancel";
    if (known && status !== known) announce(`${title}: ${STATUS[status]}`);
    known = status;
  }

  function words(progress) {
    return [
      progress.message || (hasEnded(job) ? "" : progress.stage),
      !hasEnded(job) && progress.total && (unit ? `${progress.done} of ${progress.total} ${unit}` : percent(progress.done / progress.total)),
      !hasEnded(job) && unit && progress.rate && `${progress.rate.toFixed(1)} ${unit} a second`,
      progress.seconds_left !== null && `about ${about(progress.seconds_left)} left`,
    ].filter(Boolean).join(" · ");
  }

  async function watch() {
    try {
      for await (const now of follow(path, signal)) show(now);
      if (!signal.aborted) onend(job);
    } catch (problem) {
      element.append(h("p", { class: "complaint" }, problem.message));
    }
  }

  async function cancel() {
    try {
      const now = await remove(path);
      if (now) show(now);
      else onend(null);
    } catch (problem) {
      element.append(h("p", { class: "complaint", role: "alert" }, problem.message));
    }
  }
}
