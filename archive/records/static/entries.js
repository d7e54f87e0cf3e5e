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
    if (Array.isArray(rows)) writeRows(table, rows, setRowCount);
  }
}

/** Put rows into one table. */
export function writeRows(table, rows, setRowCount) {
  setRowCount(table, rows.length);
  rowsOf(table).forEach((line, at) => {
    for (const box of boxesOf(line)) {
      if (box.dataset.kind !== "fixed") writeBox(box, rows[at]?.[box.dataset.column]);
    }
  });
}

/** Find the box of a path: 客户名称, 货品[2].单价. */
export function boxAt(form, path) {
  const cell = /^(.+)\[(\d+)\]\.(.+)$/.exec(path);
  if (!cell) return form.querySelector(`[data-entry="${CSS.escape(path)}"]`);
  const table = form.querySelector(`[data-rows="${CSS.escape(cell[1])}"]`);
  const line = table ? rowsOf(table)[Number(cell[2])] : null;
  return line?.querySelector(`[data-column="${CSS.escape(cell[3])}"]`) ?? null;
}

/** Show what the server worked out: totals, ratios, capital amounts. */
export function showComputed(form, shown) {
  for (const output of form.querySelectorAll("[data-computed]")) {
    tell(output, shown[output.dataset.computed] ?? "");
  }
  for (const table of form.querySelectorAll("[data-rows]")) {
    rowsOf(table).forEach((line, at) => {
      for (const output of line.querySelectorAll("[data-computed-column]")) {
        tell(output, shown[`${table.dataset.rows}[${at}].${output.dataset.computedColumn}`] ?? "");
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
    const isError = place.classList.contains("is-error");
    if (place.textContent === (error || warning) && isError === Boolean(error)) continue;
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
    if (box) tell(echo, String(readBox(box)));
  }
}

export function rowsOf(table) {
  return [...table.querySelectorAll("tbody > [data-row]")];
}

export function boxesOf(line) {
  return [...line.querySelectorAll("[data-column]")];
}

export function readRow(line) {
  return Object.fromEntries(boxesOf(line).map((box) => [box.dataset.column, readBox(box)]));
}

/** Where one types in a box: itself, or the chosen (or first) of its choices. */
export function inputOf(box) {
  if (box.matches("input, textarea, select")) return box;
  return box.querySelector("input:checked, input:not([type=hidden]), button") ?? box;
}

export function readBox(box) {
  if (box.dataset.kind === "check") return box.checked;
  if (box.dataset.kind === "multi") return choicesOf(box).filter((one) => one.checked).map((one) => one.value);
  if (box.dataset.kind === "tick") return choicesOf(box).find((one) => one.checked)?.value ?? "";
  if (box.dataset.kind === "image") return box.querySelector("[data-picture-digest]").value;
  return box.value;
}

export function writeBox(box, value) {
  const words = String(value ?? "");
  if (box.dataset.kind === "check") box.checked = value === true;
  else if (box.dataset.kind === "multi") {
    const chosen = Array.isArray(value) ? value : [];
    for (const one of choicesOf(box)) one.checked = chosen.includes(one.value);
  } else if (box.dataset.kind === "tick") writeTick(box, words);
  else if (box.dataset.kind === "image") {
    if (readBox(box) === words) return;
    box.querySelector("[data-picture-digest]").value = words;
    box.dispatchEvent(new CustomEvent("picture-set", { bubbles: true }));
  } else if (box.value !== words) {
    if (box.tagName === "SELECT") keepOddChoice(box, words);
    box.value = words;
  }
}

function choicesOf(box) {
  return [...box.querySelectorAll("input[type=checkbox], input[type=radio]")];
}

// A word that is no choice is kept on the page, and told as wrong, rather than lost.
function writeTick(box, words) {
  const choices = choicesOf(box);
  if (words && !choices.some((one) => one.value === words)) {
    const label = box.querySelector("label").cloneNode(true);
    const choice = label.querySelector("input");
    choice.value = words;
    label.className = "is-odd";
    label.replaceChildren(choice, ` ${words}（不在可选项中）`);
    box.append(label);
    choices.push(choice);
  }
  for (const one of choices) one.checked = one.value === words;
}

function keepOddChoice(select, words) {
  if (!words || [...select.options].some((one) => one.value === words)) return;
  select.add(new Option(`${words}（不在可选项中）`, words));
}

function tell(place, words) {
  if (place.textContent !== words) place.textContent = words;
}
