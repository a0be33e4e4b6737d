"use strict";
// Sortable tables: a click on a column's header sorts by that column, the largest first; a second click reverses it.
for (const table of document.querySelectorAll("table.sortable")) {
  const headers = [...table.tHead.rows[0].cells];
  headers.forEach((header, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = header.textContent;
    header.replaceChildren(button);
    button.addEventListener("click", () => {
      const descending = header.getAttribute("aria-sort") !== "descending";
      headers.forEach((other) => other.removeAttribute("aria-sort"));
      header.setAttribute("aria-sort", descending ? "descending" : "ascending");
      const body = table.tBodies[0];
      const number = (row) => parseFloat(row.cells[column].textContent.replace(/[,%]/g, ""));
      const rows = [...body.rows].map((row) => [number(row), row]);
      rows.sort(([a], [b]) => (descending ? b - a : a - b));
      body.replaceChildren(...rows.map(([, row]) => row));
    });
  });
}
// The map of latents: the text below it describes the latent that is under the pointer or has the focus.
for (const map of document.querySelectorAll(".map")) {
  const description = map.querySelector("output");
  const describe = (event) => {
    const point = event.target.closest("a");
    if (point) description.textContent = point.getAttribute("aria-label");
  };
  map.addEventListener("pointerover", describe);
  map.addEventListener("focusin", describe);
}
