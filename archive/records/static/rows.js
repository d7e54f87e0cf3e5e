// Tables of rows: add, remove, move, and paste a block from a spreadsheet. By keyboard too:
// Enter goes down (and adds a row after the last), Alt+↑/↓ moves, Ctrl+Delete removes.

import { announce } from "/static/js/app.js";
import { boxesOf, rowsOf } from "./entries.js";

/** Bring every table of the form to life; `changed` is called after each change. */
export function bringToLife(form, changed) {
  for (const table of form.querySelectorAll("[data-rows]")) new RowTable(table, changed);
}

/** Give a table so many rows (used when a draft is put back on the page). */
export function setRowCount(table, count) {
  if ("fixed" in table.dataset) return;
  while (rowsOf(table).length > count) rowsOf(table).at(-1).remove();
  while (rowsOf(table).length < count) appendRow(table);
  renumber(table);
}

class RowTable {
  constructor(table, changed) {
    this.table = table;
    this.body = table.querySelector("tbody");
    this.changed = changed;
    this.isFixed = "fixed" in table.dataset;
    this.most = Number(table.dataset.most);
    table.addEventListener("keydown", (event) => this.onKey(event));
    table.addEventListener("paste", (event) => this.onPaste(event));
    if (this.isFixed) return;
    table.addEventListener("click", (event) => this.onClick(event));
    this.reveal();
    renumber(table);
  }

  reveal() {
    for (const one of this.table.querySelectorAll("[data-row-up], [data-row-down], [data-with-scripts]")) {
      one.hidden = false;
    }
    const template = this.table.querySelector("[data-row-template]");
    for (const one of template.content.querySelectorAll("[data-row-up], [data-row-down]")) one.hidden = false;
  }

  onClick(event) {
    const button = event.target.closest("button");
    const line = event.target.closest("[data-row]");
    if (!button) return;
    if ("rowAdd" in button.dataset) this.add();
    else if ("rowRemove" in button.dataset) this.remove(line);
    else if ("rowUp" in button.dataset) this.move(line, -1, button);
    else if ("rowDown" in button.dataset) this.move(line, 1, button);
    else return;
    event.preventDefault();
  }

  onKey(event) {
    const box = event.target.closest("[data-column]");
    const line = event.target.closest("[data-row]");
    if (!line || event.isComposing) return;
    if (event.altKey && (event.key === "ArrowUp" || event.key === "ArrowDown")) {
      if (!this.isFixed) this.move(line, event.key === "ArrowUp" ? -1 : 1, box);
    } else if (event.ctrlKey && event.key === "Delete") {
      if (!this.isFixed) this.remove(line);
    } else if (!box || !isOneLine(box) || box.getAttribute("aria-expanded") === "true") {
      return;
    } else if (event.key === "Enter" && !event.ctrlKey && !event.metaKey) {
      this.goTo(line, box, event.shiftKey ? -1 : 1, !event.shiftKey);
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      this.goTo(line, box, event.key === "ArrowUp" ? -1 : 1, false);
    } else {
      return;
    }
    event.preventDefault();
  }

  goTo(line, box, step, mayAdd) {
    const lines = rowsOf(this.table);
    const at = lines.indexOf(line) + step;
    if (at >= lines.length && mayAdd && !this.isFixed) this.add(box.dataset.column);
    else focusOn(lines[at], box.dataset.column);
  }

  add(column) {
    if (rowsOf(this.table).length >= this.most) {
      announce(`最多 ${this.most} 行`);
      return;
    }
    const line = appendRow(this.table);
    renumber(this.table);
    focusOn(line, column ?? boxesOf(line)[0]?.dataset.column);
    this.changed();
  }

  remove(line) {
    const at = rowsOf(this.table).indexOf(line);
    const next = line.nextElementSibling;
    line.remove();
    renumber(this.table);
    this.offerUndo(line, next, at);
    focusOn(rowsOf(this.table)[Math.min(at, rowsOf(this.table).length - 1)]);
    this.changed();
  }

  offerUndo(line, next, at) {
    this.table.querySelector("[data-undo]")?.remove();
    const undo = document.createElement("button");
    undo.type = "button";
    undo.className = "btn btn-sm btn-link";
    undo.dataset.undo = "";
    undo.textContent = `已删去第 ${at + 1} 行，撤销`;
    undo.addEventListener("click", () => {
      this.body.insertBefore(line, next?.isConnected ? next : null);
      renumber(this.table);
      undo.remove();
      focusOn(line);
      this.changed();
    });
    this.table.querySelector(".sheet-table-foot").append(undo);
  }

  move(line, step, focused) {
    const other = step < 0 ? line.previousElementSibling : line.nextElementSibling;
    if (!other) return;
    this.body.insertBefore(step < 0 ? line : other, step < 0 ? other : line);
    renumber(this.table);
    focused?.focus();
    announce(`现在是第 ${rowsOf(this.table).indexOf(line) + 1} 行`);
    this.changed();
  }

  onPaste(event) {
    const box = event.target.closest("[data-column]");
    const text = event.clipboardData?.getData("text/plain") ?? "";
    const block = readBlock(text);
    if (!box || (block.length < 2 && (block[0]?.length ?? 0) < 2)) return;
    event.preventDefault();
    const start = rowsOf(this.table).indexOf(box.closest("[data-row]"));
    const width = boxesOf(rowsOf(this.table)[start]).indexOf(box);
    const room = this.isFixed ? rowsOf(this.table).length : this.most;
    const taken = block.slice(0, room - start);
    taken.forEach((cells, down) => this.fill(start + down, width, cells));
    renumber(this.table);
    const left = block.length - taken.length;
    announce(left ? `已粘贴 ${taken.length} 行，另有 ${left} 行放不下` : `已粘贴 ${taken.length} 行`);
    this.changed();
  }

  fill(at, first, cells) {
    const line = rowsOf(this.table)[at] ?? appendRow(this.table);
    const boxes = boxesOf(line).slice(first);
    boxes.forEach((box, n) => {
      const cell = cells[n];
      if (cell === undefined || box.dataset.kind === "fixed") return;
      if (box.dataset.kind === "check") box.checked = /^(是|√|✓|☑|true|1)$/i.test(cell.trim());
      else if (box.dataset.kind !== "multi") box.value = cell.trim();
    });
  }
}

/** Read what a spreadsheet puts on the clipboard: tabs, lines, cells with quotes. */
export function readBlock(text) {
  const rows = [[""]];
  let quoted = false;
  for (let at = 0; at < text.length; at += 1) {
    const letter = text[at];
    const cells = rows.at(-1);
    const isStart = cells.at(-1) === "";
    if (quoted) {
      if (letter !== '"') cells[cells.length - 1] += letter;
      else if (text[at + 1] === '"') {
        cells[cells.length - 1] += '"';
        at += 1;
      } else quoted = false;
    } else if (letter === '"' && isStart && /^"(?:[^"]|"")*"(?:[\t\r\n]|$)/.test(text.slice(at))) {
      quoted = true;
    } else if (letter === "\t") cells.push("");
    else if (letter === "\n") rows.push([""]);
    else if (letter !== "\r") cells[cells.length - 1] += letter;
  }
  if (rows.length > 1 && rows.at(-1).length === 1 && rows.at(-1)[0] === "") rows.pop();
  return rows;
}

function appendRow(table) {
  const template = table.querySelector("[data-row-template]");
  const line = template.content.firstElementChild.cloneNode(true);
  table.querySelector("tbody").append(line);
  return line;
}

// Names, ids and labels follow the row's place, so that messages find their entry.
function renumber(table) {
  const key = table.dataset.rows;
  rowsOf(table).forEach((line, at) => {
    const number = line.querySelector(".row-number");
    if (number) number.textContent = String(at + 1);
    for (const cell of line.querySelectorAll("td[data-label]")) renumberCell(cell, key, at);
    const remove = line.querySelector("[data-row-remove]");
    if (remove) remove.value = `remove:${key}:${at}`;
  });
}

function renumberCell(cell, key, at) {
  const box = cell.querySelector("[data-column]");
  const output = cell.querySelector("[data-computed-column]");
  const message = cell.querySelector("[data-message]");
  const path = `${key}[${at}].${box?.dataset.column ?? output?.dataset.computedColumn}`;
  if (message) {
    message.dataset.message = path;
    message.id = `m-${path}`;
  }
  if (output) output.id = `f-${path}`;
  if (!box) return;
  box.id = `f-${path}`;
  if (box.dataset.kind === "multi") {
    for (const one of box.querySelectorAll("input")) one.name = path;
  } else {
    box.name = path;
  }
  box.setAttribute("aria-describedby", `m-${path}`);
  box.setAttribute("aria-label", `${cell.dataset.label} 第${at + 1}行`);
}

function isOneLine(box) {
  return box.tagName === "INPUT" || box.dataset.kind === "text";
}

function focusOn(line, column) {
  const boxes = line ? boxesOf(line).filter((box) => box.dataset.kind !== "fixed") : [];
  const box = boxes.find((one) => one.dataset.column === column) ?? boxes[0];
  box?.focus();
  if (box?.select) box.select();
}
