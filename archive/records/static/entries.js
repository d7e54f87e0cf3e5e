// What stands on the entry page, read into plain values and written back. No network here.
//
// Every entry carries data-entry (or data-column inside a [data-row] of [data-rows]) and
// data-kind; messages and computed values are found by the entry's path: 货品[2].单价.

/** The values of the page, wrong ones as typed. */
export function readValues(form) {
  const values = {};
  for (const box of form.querySelectorAll("[data-entry]")) {
    values[box.dataset.entry] = readBox(box);
  }
  for (const table of form.querySelectorAll("[data-rows]")) {
    values[table.dataset.rows] = rowsOf(table).map(readRow);
  }
  return values;
}

/** Put values on the page; tables get as many rows as there are. */
export function writeValues(form, values, setRowCount) {
  for (const box of form.querySelectorAll("[data-entry]")) {
    if (box.dataset.entry in values) writeBox(box, values[box.dataset.entry]);
  }
  for (const table of form.querySelectorAll("[data-rows]")) {
    const rows = values[table.dataset.rows];
    if (!Array.isArray(rows)) continue;
    setRowCount(table, rows.length);
    rowsOf(table).forEach((line, at) => {
      for (const box of boxesOf(line)) writeBox(box, rows[at]?.[box.dataset.column]);
    });
  }
}

/** Show what the server worked out: totals, ratios, capital amounts. */
export function showComputed(form, shown) {
  for (const output of form.querySelectorAll("[data-computed]")) {
    output.textContent = shown[output.dataset.computed] ?? "";
  }
  for (const table of form.querySelectorAll("[data-rows]")) {
    rowsOf(table).forEach((line, at) => {
      for (const output of line.querySelectorAll("[data-computed-column]")) {
        const path = `${table.dataset.rows}[${at}].${output.dataset.computedColumn}`;
        output.textContent = shown[path] ?? "";
      }
    });
  }
}

/** Put each error and warning at its entry, and take away those that are over. */
export function showMessages(form, errors, warnings) {
  for (const place of form.querySelectorAll("[data-message]")) {
    const path = place.dataset.message;
    const error = errors[path] ?? "";
    const warning = error ? "" : (warnings[path] ?? "");
    place.textContent = error || warning;
    place.classList.toggle("is-error", Boolean(error));
    place.classList.toggle("is-warning", Boolean(warning));
    const box = document.getElementById(`f-${path}`);
    if (!box) continue;
    box.classList.toggle("is-invalid", Boolean(error));
    if (error) box.setAttribute("aria-invalid", "true");
    else box.removeAttribute("aria-invalid");
  }
}

/** Show an entry's words again wherever the paper repeats them. */
export function showEchoes(form) {
  for (const echo of form.querySelectorAll("[data-echo]")) {
    const box = form.querySelector(`[data-entry="${CSS.escape(echo.dataset.echo)}"]`);
    if (box) echo.textContent = box.value ?? "";
  }
}

export function rowsOf(table) {
  return [...table.querySelectorAll("tbody > [data-row]")];
}

export function boxesOf(line) {
  return [...line.querySelectorAll("[data-column]")];
}

function readRow(line) {
  return Object.fromEntries(boxesOf(line).map((box) => [box.dataset.column, readBox(box)]));
}

function readBox(box) {
  if (box.dataset.kind === "check") return box.checked;
  if (box.dataset.kind === "multi") {
    return [...box.querySelectorAll("input:checked")].map((one) => one.value);
  }
  return box.value;
}

function writeBox(box, value) {
  if (box.dataset.kind === "check") {
    box.checked = value === true;
  } else if (box.dataset.kind === "multi") {
    const chosen = Array.isArray(value) ? value : [];
    for (const one of box.querySelectorAll("input")) one.checked = chosen.includes(one.value);
  } else if (box.value !== String(value ?? "")) {
    box.value = value ?? "";
  }
}
