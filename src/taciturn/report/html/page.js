"use strict";
// Sorting of tables: a header's button sorts by its column, once more the other way round.
for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") !== "descending";
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const body = table.tBodies[0];
      const key = (row) => parseFloat(row.cells[column].textContent.replace(/[,%]/g, ""));
      const rows = [...body.rows].map((row) => [key(row), row]);
      rows.sort(([a], [b]) => (down ? b - a : a - b));
      body.replaceChildren(...rows.map(([, row]) => row));
    });
  });
}
// The map of latents: what lies under the pointer, or has the focus, is said below it.
for (const map of document.querySelectorAll(".map")) {
  const said = map.querySelector("output");
  const say = (event) => {
    const point = event.target.closest("a");
    if (point) said.textContent = point.getAttribute("aria-label");
  };
  map.addEventListener("pointerover", say);
  map.addEventListener("focusin", say);
}
