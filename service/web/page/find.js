// The view that takes a brief and shows its answer.

import { post } from "./api.js";
import { addressOf, asRequest, briefForm, briefFrom } from "./brief.js";
import { h, heading, loading, trouble } from "./dom.js";
import { answerView } from "./results.js";

let isNew = false; // a brief goes into the history when it is sent, not when somebody comes back to it

export function findView({ parameters, signal, reload }) {
  const brief = briefFrom(parameters);
  const place = h("div", { class: "place" });
  const form = briefForm(brief, (wanted) => {
    isNew = true;
    const there = addressOf(wanted);
    if (location.hash === there) reload();
    else location.hash = there;
  });
  const view = h("div", { class: brief.text ? "find has-answer" : "find" },
    heading("Music for your scenes", !brief.text && h("p", { class: "lead" },
      "Describe what is seen. The library is searched for music that fits, by what each track sounds like and the scenes it calls up.")),
    form.element, place);
  if (brief.text.trim()) ask();
  return view;

  async function ask() {
    place.replaceChildren(loading("Listening for what fits …"));
    const remember = isNew;
    isNew = false;
    try {
      const result = await post("v1/matches", { ...asRequest(brief), remember }, signal);
      const answer = answerView(brief, result, signal);
      place.replaceChildren(answer);
      if (remember) answer.querySelector("h2").focus();
    } catch (problem) {
      place.replaceChildren(trouble(problem, ask));
      form.showProblem(problem);
    }
  }
}
