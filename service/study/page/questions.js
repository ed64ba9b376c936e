// Questions with choices; the keys 1, 2, ... choose, and the next question gets the focus.

import { h } from "./dom.js";

export function questionForm(questions, send) {
  const next = h("button", { class: "primary", disabled: true }, "Next");
  const bar = h("div", { class: "bar" }, next);
  const fields = questions.map((question) => fieldOf(question));
  const all = h("fieldset", { disabled: true }, h("legend", { class: "hidden" }, "Your answers"), h("div", { class: "text" }, fields));
  const element = h("form", { onsubmit, onchange, onkeydown }, all, bar);
  const form = { element, bar, isOpen: false };
  let isBusy = false;

  const chosen = (field) => field.querySelector("input:checked");

  function onchange() {
    next.disabled = isBusy || !form.isOpen || !fields.every(chosen);
  }
  function onsubmit(event) {
    event.preventDefault();
    if (next.disabled) return;
    send(Object.fromEntries(fields.map((field, at) => [questions[at].key, Number(chosen(field).value)])));
  }
  function onkeydown(event) {
    if (event.key === "Enter" && event.target.type === "radio") {
      event.preventDefault();
      element.requestSubmit();
    }
  }
  function onkey(event) {
    if (!element.isConnected) { document.removeEventListener("keydown", onkey); return; }
    if (!form.isOpen || isBusy || event.ctrlKey || event.metaKey || event.altKey || !/^[1-9]$/.test(event.key)) return;
    const field = fields.find((one) => one.contains(document.activeElement)) ?? fields.find((one) => !chosen(one));
    const input = field?.querySelectorAll("input")[Number(event.key) - 1];
    if (!input) return;
    event.preventDefault();
    input.checked = true;
    onchange();
    const after = fields.find((one) => !chosen(one));
    (after?.querySelector("input") ?? next).focus();
  }
  document.addEventListener("keydown", onkey);

  form.open = () => {
    form.isOpen = true;
    all.disabled = false;
    onchange();
  };
  form.busy = (is) => {
    isBusy = is;
    onchange();
  };
  return form;
}

function fieldOf(question) {
  const last = question.choices.length - 1;
  const meaning = (at) => (at === 0 ? question.low : at === last ? question.high : "");
  return h("fieldset", {}, h("legend", {}, question.text),
    h("div", { class: "scale" }, question.choices.map((choice, at) =>
      h("label", {},
        h("input", {
          type: "radio", name: question.key, value: choice.value,
          "aria-label": meaning(at) ? `${choice.label}, ${meaning(at)}` : choice.label,
        }),
        h("span", { "aria-hidden": "true" }, choice.label)))),
    (question.low || question.high) && h("div", { class: "ends", "aria-hidden": "true" },
      h("span", {}, question.low), h("span", {}, question.high)));
}
