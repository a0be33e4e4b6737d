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
      const number = (row) => parseFloat(row.cells[column].textContent.replace(/[,%]/g, "").replace("−", "-"));
      let rows = [...body.rows].map((row) => [number(row), row]);
      if (rows.some(([value]) => Number.isNaN(value))) {
        // texts: their alphabetical rank is the number
        const text = ([, row]) => row.cells[column].textContent.trim();
        rows = rows.sort((a, b) => text(a).localeCompare(text(b))).map(([, row], rank) => [rank, row]);
      }
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
// The search box shows only those rows whose name or text holds what is typed, and the latents that have such rows.
for (const box of document.querySelectorAll("#search")) {
  const [input, output] = [box.querySelector("input"), box.querySelector("output")];
  const items = [...document.querySelectorAll("[data-row]")];
  const latents = [...document.querySelectorAll(".atlas > li")];
  const texts = new Map(); // by row: its name, its text, and its whole text where it is long
  for (const item of items) {
    const text = item.querySelector(".row-text")?.textContent ?? "";
    const known = texts.get(item.dataset.row) ?? `${item.dataset.name}\n`;
    texts.set(item.dataset.row, text.length > known.length ? `${item.dataset.name}\n${text}` : known);
  }
  for (const [row, text] of texts) texts.set(row, text.toLowerCase());
  box.hidden = false;
  input.addEventListener("input", () => {
    const query = input.value.trim().toLowerCase();
    const found = new Set([...texts.keys()].filter((row) => texts.get(row).includes(query)));
    for (const item of items) item.hidden = !found.has(item.dataset.row);
    for (const latent of latents) latent.hidden = query !== "" && !latent.querySelector("[data-row]:not([hidden])");
    const shown = latents.filter((latent) => !latent.hidden).length;
    const ofLatents = latents.length ? `, ${shown} of ${latents.length} latents` : "";
    output.textContent = query && `${found.size} of ${texts.size} rows on this page${ofLatents}`;
  });
}
