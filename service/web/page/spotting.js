// Music for a whole video: what was scored before, a new one, and the plan of one.

import { get, remove } from "./api.js";
import { announce, h, heading, loading, put, trouble } from "./dom.js";
import { when } from "./format.js";
import { hasEnded } from "./job.js";
import { endless } from "./paging.js";
import { planView } from "./spotting-plan.js";
import { sure } from "./spotting-sure.js";
import { uploadForm } from "./spotting-upload.js";

const STATUS = { queued: "waiting", running: "running", failed: "failed", cancelled: "cancelled" };

export function scoreView({ id, signal }) {
  return id ? planView(id, signal) : startView(signal);
}

function startView(signal) {
  const list = h("ul", { class: "rows" });
  const load = async (after) => {
    const page = await get("v1/cue-plans", { limit: 20, after }, signal);
    return { items: page.plans, after: page.after };
  };
  const foot = endless(list, { load, item: (plan) => row(plan), none: h("p", { class: "faint" }, "No video was scored yet."), signal, isEager: false });
  const sent = (plan) => (location.hash = `#/score/${plan.id}`);
  return h("div", { class: "score-start" },
    heading("Score a video", h("p", { class: "lead" }, "Drop a cut; get music for all of it: where it plays, which track, from where in it, how loud under the voices. Change what you like, then take it into your editor.")),
    uploadForm({ sent, signal }),
    h("section", { "aria-labelledby": "plans-title" }, h("h2", { id: "plans-title" }, "Scored before"), list, foot));
}

function row(plan) {
  const item = h("li", { class: "row-track row-plan" });
  const note = h("span", { class: "small complaint", role: "status" });
  const drop = async () => {
    if (!(await sure(`Delete ${plan.name}?`, "The plan and the copy of its video are deleted from the service. Tracks stay.", "Delete"))) return;
    try {
      await remove(`v1/cue-plans/${plan.id}`);
      item.remove();
      announce(`${plan.name} is deleted`);
    } catch (problem) {
      note.textContent = problem.message;
    }
  };
  const state = plan.status === "done" ? `revision ${plan.revision}` : STATUS[plan.status];
  put(item, h("div", { class: "naming" },
    h("a", { href: `#/score/${plan.id}`, class: "strong" }, plan.name),
    h("p", { class: "small faint" }, [when(plan.created_at), state, plan.parent && "a new cut", plan.error?.message].filter(Boolean).join(" · ")), note),
  h("button", { type: "button", class: "quiet", "aria-label": `Delete ${plan.name}`, onclick: drop }, hasEnded(plan) ? "Delete" : "Cancel and delete"));
  return item;
}
