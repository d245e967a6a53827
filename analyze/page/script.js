"use strict";
// Nothing here is needed to see the page. It sorts tables, reads charts out and
// copies commands.

// A table's column sorts when its head is pressed: numbers by value, text as
// people would; what is missing stays at the end.
document.addEventListener("click", (event) => {
  const button = event.target.closest("th button");
  if (!button) return;
  const head = button.parentElement, row = head.parentElement, body = row.closest("table").tBodies[0];
  const column = [...row.children].indexOf(head), numeric = head.classList.contains("n");
  const was = head.getAttribute("aria-sort");
  const down = was === "none" ? numeric : was === "ascending";
  for (const other of row.children) other.setAttribute("aria-sort", "none");
  head.setAttribute("aria-sort", down ? "descending" : "ascending");
  const key = (tr) => {
    const cell = tr.children[column];
    if (!numeric) return cell.querySelector(".none") ? null : cell.textContent;
    return cell.dataset.value === "" ? null : Number(cell.dataset.value);
  };
  const compare = numeric ? (a, b) => a - b : new Intl.Collator("en", { numeric: true }).compare;
  const rows = [...body.rows].map((tr, place) => ({ tr, place, key: key(tr) }));
  rows.sort((a, b) => {
    if (a.key === null || b.key === null) return (a.key === null) - (b.key === null) || a.place - b.place;
    return (down ? -1 : 1) * compare(a.key, b.key) || a.place - b.place;
  });
  body.append(...rows.map((r) => r.tr));
});

// Commands are copied, or selected where a page may not do that.
document.addEventListener("click", async (event) => {
  const button = event.target.closest(".copy");
  if (!button) return;
  const code = button.parentElement.querySelector("code");
  try {
    await navigator.clipboard.writeText(code.textContent);
    button.textContent = "copied";
  } catch {
    getSelection().selectAllChildren(code);
    button.textContent = "selected";
  }
  setTimeout(() => { button.textContent = "copy"; }, 1500);
});

// Each mark of a chart has a title. It is shown at once beside the pointer, and
// by the arrow keys; the browser's own comes only without this script.
const tip = document.getElementById("tip");
const marks = ".slot, .bar, .bin, .span, .stretch, .end, .event";
let on = null;

for (const title of document.querySelectorAll(".plot title")) {
  const mark = title.parentElement;
  mark.setAttribute("data-said", title.textContent);
  title.remove();
}

function light(mark, x, y) {
  if (on) (on.querySelector(".hit") || on).classList.remove("on");
  on = mark;
  tip.hidden = !mark;
  if (!mark) return;
  (mark.querySelector(".hit") || mark).classList.add("on");
  tip.textContent = mark.dataset.said;
  const box = tip.getBoundingClientRect();
  const left = x + 14 + box.width > innerWidth ? Math.max(4, x - 14 - box.width) : x + 14;
  const top = y + 14 + box.height > innerHeight ? Math.max(4, y - 14 - box.height) : y + 14;
  tip.style.setProperty("left", left + "px");
  tip.style.setProperty("top", top + "px");
}

document.addEventListener("pointermove", (event) => light(event.target.closest?.(marks), event.clientX, event.clientY));
document.addEventListener("pointerdown", (event) => light(event.target.closest?.(marks), event.clientX, event.clientY));
document.addEventListener("scroll", () => light(null), { passive: true, capture: true });
document.addEventListener("focusout", () => light(null));
document.addEventListener("keydown", (event) => {
  const svg = event.target.closest?.(".plot > svg");
  const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  if (event.key === "Escape") light(null);
  if (!svg || !step) return;
  const all = [...svg.querySelectorAll(marks)];
  if (!all.length) return;
  event.preventDefault();
  const next = all[Math.min(Math.max(all.indexOf(on) + step, 0), all.length - 1)];
  const box = next.getBoundingClientRect();
  light(next, box.left + box.width / 2, box.top + Math.min(box.height, 40));
});
