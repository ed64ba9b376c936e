// The answer to a brief: ranked tracks, what to say about them, and music when nothing fits.

import { post } from "./api.js";
import { asRequest } from "./brief.js";
import { hitCard } from "./card.js";
import { cueSheet } from "./cues.js";
import { announce, empty, h, trouble } from "./dom.js";
import { nameOf, percent } from "./format.js";
import { generationPanel } from "./generation.js";
import { opinionOn, say, takeBack } from "./opinions.js";

/** Everything below the brief. */
export function answerView(brief, result, signal) {
  const asked = asRequest(brief);
  const sheet = cueSheet(asked.captions.join(" / "));
  const fits = result.decision === "matched";
  const title = h("h2", { tabindex: "-1" }, fits ? `${result.hits.length} tracks, best first` : "Nothing in the library really fits");
  const cards = result.hits.map((hit) => resultItem(hit, { asked, sheet, signal }));
  announce(fits ? `${result.hits.length} tracks found` : "Nothing really fits");
  return h("section", { class: "answer", "aria-label": "Answer" }, title,
    result.notice && h("p", {}, result.notice), understood(result.reading),
    !fits && nothingFits(brief, result, signal),
    !fits && cards.length > 0 && h("h2", {}, "Near misses"),
    cards.length > 0 && sheet.bar,
    h("ol", { class: "cards" }, cards),
    cards.length === 0 && empty("No track is left.", h("p", {}, "Take a filter away, ask for a shorter length, or scan more music.")),
    fits && h("details", { class: "more" }, h("summary", {}, "None of these?"), maker(brief, "always", signal)));
}

function understood(reading) {
  const parts = [
    reading.moods.length && `moods: ${reading.moods.map((one) => `${one.mood} ${percent(one.probability)}`).join(", ")}`,
    reading.music.length && `music: ${reading.music.join(", ")}`,
    reading.wishes.length && `wishes: ${reading.wishes.join(", ")}`,
  ].filter(Boolean);
  return parts.length > 0 && h("p", { class: "small faint" }, `Understood as ${parts.join(" · ")}`);
}

function nothingFits(brief, result, signal) {
  return h("div", { class: "notice" },
    h("p", {}, result.hits.length
      ? "The tracks below come nearest, but a person would hardly call them fitting. Describe the scene in other words, loosen the filters, or have music made for it."
      : "No track passes. Describe the scene in other words, loosen the filters, or have music made for it."),
    maker(brief, "auto", signal));
}

/** The button that has music made, and what becomes of it. */
function maker(brief, fallback, signal) {
  const place = h("div", {});
  const button = h("button", { type: "button", class: "primary", onclick: make }, "Make music for it");
  async function make() {
    button.disabled = true;
    place.replaceChildren();
    try {
      const { generation } = await post("v1/matches", { ...asRequest(brief), fallback, remember: false }, signal);
      if (generation) place.replaceChildren(generationPanel(generation.id, signal));
      else place.replaceChildren(h("p", { role: "status" }, "Something fits now; find again."));
    } catch (problem) {
      place.replaceChildren(trouble(problem));
    }
    button.disabled = false;
  }
  return h("div", { class: "maker" }, button, place);
}

/** One hit with its buttons; "not this" takes it out of the list, and back. */
function resultItem(hit, { asked, sheet, signal }) {
  const brief = asked.captions.join("\n");
  const { id } = hit.track;
  const name = nameOf(hit.track);
  const item = h("li", {});
  const note = h("span", { class: "small", role: "status" });

  const attempt = (action) => async () => {
    note.textContent = "";
    try {
      await action();
      show();
    } catch (problem) {
      note.textContent = problem.message;
    }
  };
  const reject = attempt(async () => {
    await say(brief, asked.captions, id, "reject");
    sheet.clear(id);
    announce(`${name} is taken out`);
  });
  const accept = attempt(async () => {
    if (opinionOn(brief, id)?.verdict === "accept") await takeBack(brief, id);
    else await say(brief, asked.captions, id, "accept");
  });
  const undo = attempt(() => takeBack(brief, id));

  const fitsButton = h("button", { type: "button", onclick: accept }, "Fits");
  const actions = [
    sheet.box(hit), fitsButton,
    h("button", { type: "button", onclick: reject, "aria-label": `Not this: ${name}` }, "Not this"),
    h("a", { class: "button", href: `#/similar/${id}`, "aria-label": `Similar to ${name}` }, "Similar"),
  ];
  const card = hitCard(hit, { actions, signal });
  const undoButton = h("button", { type: "button", onclick: undo }, "Undo");
  const gone = h("p", { class: "gone" }, `${name} is taken out. `, undoButton);

  function show() {
    const verdict = opinionOn(brief, id)?.verdict;
    fitsButton.setAttribute("aria-pressed", String(verdict === "accept"));
    fitsButton.setAttribute("aria-label", `Fits: ${name}`);
    const hadFocus = item.contains(document.activeElement);
    item.replaceChildren(verdict === "reject" ? gone : card, note);
    if (hadFocus) (verdict === "reject" ? undoButton : fitsButton).focus();
  }
  show();
  return item;
}
