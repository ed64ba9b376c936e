// The key, where the service asks for one. It is kept for this tab alone.

import { h } from "./dom.js";

const NAME = "musiscene-key";
let asking = null;

export function currentKey() {
  return sessionStorage.getItem(NAME);
}

export function forgetKey() {
  sessionStorage.removeItem(NAME);
}

/** Ask for a key, once for all requests that wait; true if one was given. */
export function askForKey(why) {
  asking ??= ask(why).finally(() => (asking = null));
  return asking;
}

function ask(why) {
  return new Promise((answer) => {
    const input = h("input", {
      id: "key-input", type: "password", autocomplete: "off", spellcheck: "false", required: true,
      "aria-describedby": "key-why", placeholder: "mus_…",
    });
    const dialog = h("dialog", { class: "dialog", "aria-labelledby": "key-title" },
      h("form", { method: "dialog", onsubmit: keep },
        h("h2", { id: "key-title" }, "A key, please"),
        h("p", { id: "key-why" }, why, " Keys are made with ", h("code", {}, "musiscene keys create"), "."),
        h("label", { for: "key-input" }, "Key"), input,
        h("p", { class: "small faint" }, "It is kept in this tab until you close it."),
        h("div", { class: "row" },
          h("button", { class: "primary", value: "given" }, "Use this key"),
          h("button", { type: "button", onclick: () => dialog.close() }, "Not now"))));
    function keep() {
      sessionStorage.setItem(NAME, input.value.trim());
    }
    dialog.addEventListener("close", () => {
      const given = dialog.returnValue === "given";
      dialog.remove();
      answer(given);
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}
