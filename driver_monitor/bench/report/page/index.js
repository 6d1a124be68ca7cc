"use strict";

// Sorts the rows by a column. Numbers come from large to small at first, names from a to z, and `-` always last.
document.querySelectorAll("th button").forEach((button, column) =>
  button.addEventListener("click", () => {
    const heading = button.parentElement, body = document.querySelector("tbody"), rows = [...body.rows];
    const first = column ? "descending" : "ascending", other = column ? "ascending" : "descending";
    const order = heading.getAttribute("aria-sort") === first ? other : first, sign = order === "ascending" ? 1 : -1;
    const key = (row) => {
      const text = row.cells[column].textContent;
      if (!column) return text;
      if (text === "-") return null;
      return parseFloat(text.replace(/[<>] /, "")) - (text[0] === "<" ? 0.05 : 0) + (text[0] === ">" ? 0.05 : 0);
    };
    const keys = new Map(rows.map((row) => [row, key(row)]));
    rows.sort((p, q) => {
      const a = keys.get(p), b = keys.get(q);
      if (a === null || b === null) return (a === null) - (b === null);
      return sign * (column ? a - b : a.localeCompare(b, "en", { numeric: true }));
    });
    document.querySelectorAll("th").forEach((one) => one.setAttribute("aria-sort", one === heading ? order : "none"));
    body.append(...rows);
  }));
