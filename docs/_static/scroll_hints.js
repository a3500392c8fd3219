// Mark what is wider than the page, and what has more on its right, so that site.css can say so.
const WIDE = [
  ".pst-scrollable-table-container",
  ".bd-article div.math mjx-container",
  ".bd-article .highlight pre",
  ".output_html",
].join();

function mark(box) {
  const hidden = box.scrollWidth - box.clientWidth;
  box.classList.toggle("scrolls", hidden > 1);
  box.classList.toggle("has-more", hidden - box.scrollLeft > 1);
}

function markAll() {
  document.querySelectorAll(WIDE).forEach(mark);
}

window.addEventListener("load", async () => {
  await window.MathJax?.startup?.promise; // the formulas have their width then
  markAll();
  document
    .querySelectorAll(WIDE)
    .forEach((box) => box.addEventListener("scroll", () => mark(box), { passive: true }));
  window.addEventListener("resize", markAll);
});
