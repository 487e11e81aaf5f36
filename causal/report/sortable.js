// Sorting and choosing of rows, without a server. Everything is built here, so that the page is whole where no script runs.
(() => {
  "use strict";
  if (matchMedia("screen and (max-width: 48rem)").matches) [...document.querySelectorAll("details[data-fold]")].slice(1).forEach((one) => { one.open = false; });
  const tables = [...document.querySelectorAll("table.sortable")];
  const rows = tables.flatMap((table) => [...table.tBodies[0].rows]);
  if (!rows.length) return;
  const make = (tag, has = {}, ...inside) => {
    const made = Object.assign(document.createElement(tag), has);
    made.append(...inside);
    return made;
  };
  const choice = (cell) => cell.dataset.choice || cell.textContent.trim();
  const key = (cell) => cell.dataset.sort ?? cell.textContent.trim();
  const status = make("p", { className: "status" });
  status.setAttribute("role", "status");

  const sort = (table, head, at) => {
    const up = head.getAttribute("aria-sort") !== "ascending";
    const number = head.classList.contains("number");
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    const order = (a, b) => {
      if (a === "" || b === "") return (a === "") - (b === ""); // what has no value stays last, whichever way
      return (up ? 1 : -1) * (number ? Number(a) - Number(b) : a.localeCompare(b, "en-GB", { numeric: true }));
    };
    const sorted = [...table.tBodies[0].rows].sort((a, b) => order(key(a.cells[at]), key(b.cells[at])));
    table.tBodies[0].append(...sorted);
    status.textContent = `Sorted by ${head.textContent.trim()}, ${up ? "lowest or first at the top" : "highest or last at the top"}.`;
  };
  for (const table of tables) {
    [...table.tHead.rows[0].cells].forEach((head, at) => {
      const button = make("button", { type: "button" }, ...head.childNodes);
      button.addEventListener("click", () => sort(table, head, at));
      head.append(button);
    });
  }

  const box = make("input", { type: "search", id: "holds", autocomplete: "off" });
  const fields = [make("p", {}, make("label", { htmlFor: "holds" }, "Rows that hold"), box)];
  const choices = new Map();
  for (const table of tables) {
    [...table.tHead.rows[0].cells].forEach((head, at) => {
      if (!("choice" in head.dataset)) return;
      const name = head.textContent.trim();
      if (!choices.has(name)) choices.set(name, { at: new Map(), values: new Set() });
      choices.get(name).at.set(table, at);
      for (const row of table.tBodies[0].rows) choices.get(name).values.add(choice(row.cells[at]));
    });
  }
  for (const [name, one] of choices) {
    if (one.values.size < 2) continue;
    const id = `choice-${fields.length}`;
    one.select = make("select", { id }, make("option", { value: "" }, "any"));
    for (const value of [...one.values].sort()) one.select.append(make("option", { value }, value));
    one.select.addEventListener("change", () => choose());
    fields.push(make("p", {}, make("label", { htmlFor: id }, name), one.select));
  }
  const choose = () => {
    const wanted = box.value.trim().toLocaleLowerCase("en-GB");
    let shown = 0;
    for (const table of tables) {
      let here = 0;
      for (const row of table.tBodies[0].rows) {
        const fits = (one) => !one.select?.value || (one.at.has(table) && choice(row.cells[one.at.get(table)]) === one.select.value);
        row.hidden = !(row.textContent.toLocaleLowerCase("en-GB").includes(wanted) && [...choices.values()].every(fits));
        here += !row.hidden;
      }
      const group = table.closest("[data-group]");
      if (group) group.hidden = here === 0;
      if (group?.tagName === "DETAILS" && here && (wanted || [...choices.values()].some((one) => one.select?.value))) group.open = true;
      shown += here;
    }
    status.textContent = `${shown} of ${rows.length} rows shown.`;
  };
  const all = make("button", { type: "reset" }, "Show all");
  const form = make("form", { className: "choose" }, ...fields, make("p", {}, all), status);
  form.setAttribute("role", "search");
  form.setAttribute("aria-label", "Choose rows");
  box.addEventListener("input", choose);
  form.addEventListener("reset", () => setTimeout(choose));
  form.addEventListener("submit", (event) => event.preventDefault());
  document.querySelector("[data-choose]").append(form);
  choose();
})();
