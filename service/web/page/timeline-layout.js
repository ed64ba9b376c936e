// Where things stand on a timeline, and how the keyboard goes through a row of them.

/** Put something at its seconds, in shares of the whole, so that zooming need not move it. */
export function placed(element, from, to, whole) {
  element.style.left = `${(100 * from) / whole}%`;
  if (to !== null) element.style.width = `${(100 * (to - from)) / whole}%`;
  return element;
}

/** The arrow keys go from one button of a row to the next; Tab goes to the row once. */
export function roving(row, selector) {
  row.addEventListener("keydown", (event) => {
    const all = [...row.querySelectorAll(selector)];
    const here = all.indexOf(event.target);
    const next = { ArrowLeft: here - 1, ArrowRight: here + 1, Home: 0, End: all.length - 1 }[event.key];
    if (here < 0 || next === undefined) return;
    event.preventDefault();
    all[next]?.focus();
  });
  row.addEventListener("focusin", (event) => {
    if (event.target.matches(selector)) row.querySelectorAll(selector).forEach((one) => (one.tabIndex = one === event.target ? 0 : -1));
  });
}
