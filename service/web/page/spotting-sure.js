// A question before something is lost.

import { h } from "./dom.js";

/** Whether a person means it. */
export function sure(question, more, yes) {
  return new Promise((answer) => {
    const dialog = h("dialog", { class: "dialog", "aria-labelledby": "sure-title" },
      h("form", { method: "dialog" }, h("h2", { id: "sure-title" }, question), h("p", {}, more),
        h("div", { class: "row" }, h("button", { class: "primary", value: "yes" }, yes),
          h("button", { value: "no", autofocus: true }, "Keep it"))));
    dialog.addEventListener("close", () => {
      dialog.remove();
      answer(dialog.returnValue === "yes");
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}
