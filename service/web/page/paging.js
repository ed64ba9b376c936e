// Lists that go on: the next page comes when the end of the list is near, or by its button.

import { h, loading, trouble } from "./dom.js";

/** Fill a list page by page: `load(after)` gives { items, after }, `item` makes an <li>. */
export function endless(list, { load, item, none, signal, isEager = true }) {
  const foot = h("div", { class: "foot-of-list" });
  const more = h("button", { type: "button", onclick: next }, "Show more");
  let after = null;
  let watcher = null;
  next();
  return foot;

  async function next() {
    watcher?.disconnect();
    foot.replaceChildren(loading());
    try {
      const page = await load(after);
      if (signal?.aborted) return;
      list.append(...page.items.map(item));
      after = page.after;
      foot.replaceChildren(after ? more : list.children.length ? "" : none);
      if (after && isEager) watch();
    } catch (problem) {
      foot.replaceChildren(trouble(problem, next));
    }
  }

  function watch() {
    watcher = new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && next(), { rootMargin: "400px" });
    watcher.observe(foot);
    signal?.addEventListener("abort", () => watcher.disconnect(), { once: true });
  }
}
