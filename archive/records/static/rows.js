// Tables of rows: add, remove, move, and paste a block from a spreadsheet. By keyboard too:
// Enter goes down (and adds a row after the last), Alt+↑/↓ moves, Ctrl+Delete removes.

import { announce } from "/static/js/app.js";
import { cellsToFill, readBlock, withoutHeads } from "./block.js";
import { boxesOf, inputOf, readRow, rowsOf, writeBox, writeRows } from "./entries.js";

/** Bring every table of the form to life; `changed` is called after each change. */
export function bringToLife(form, changed) {
  for (const table of form.querySelectorAll("[data-rows]")) new RowTable(table, changed);
}

/** Give a table so many rows (used when a draft is put back on the page). */
export function setRowCount(table, count) {
  if ("fixed" in table.dataset) return;
  const lines = rowsOf(table);
  if (lines.length === count) return;
  for (const line of lines.slice(count)) line.remove();
  for (let at = lines.length; at < count; at += 1) appendRow(table);
  renumber(table, Math.min(lines.length, count));
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
      if (!this.isFixed) this.move(line, event.key === "ArrowUp" ? -1 : 1, event.target);
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
    const lines = rowsOf(this.table);
    if (lines.length >= this.most) {
      this.tell(`最多 ${this.most} 行`);
      return;
    }
    const line = appendRow(this.table);
    renumber(this.table, lines.length);
    focusOn(line, column ?? boxesOf(line)[0]?.dataset.column);
    this.changed();
  }

  remove(line) {
    const at = rowsOf(this.table).indexOf(line);
    const next = line.nextElementSibling;
    line.remove();
    renumber(this.table, at);
    this.tell(`已删去第 ${at + 1} 行`, () => {
      this.body.insertBefore(line, next?.isConnected ? next : null);
      renumber(this.table, at);
      focusOn(line);
    });
    const lines = rowsOf(this.table);
    if (lines.length) focusOn(lines[Math.min(at, lines.length - 1)]);
    else this.table.querySelector("[data-row-add]").focus();
    this.changed();
  }

  move(line, step, focused) {
    const other = step < 0 ? line.previousElementSibling : line.nextElementSibling;
    if (!other) return;
    this.body.insertBefore(step < 0 ? line : other, step < 0 ? other : line);
    const at = rowsOf(this.table).indexOf(line);
    renumber(this.table, Math.max(0, at - 1), at + 2);
    focused?.focus();
    this.tell(`现在是第 ${at + 1} 行`);
    this.changed();
  }

  onPaste(event) {
    const box = event.target.closest("[data-column]");
    const block = readBlock(event.clipboardData?.getData("text/plain") ?? "");
    if (!box || (block.length < 2 && (block[0]?.length ?? 0) < 2)) return;
    event.preventDefault();
    const before = rowsOf(this.table).map(readRow);
    const words = this.paste(block, box);
    this.tell(words, () => {
      writeRows(this.table, before, setRowCount);
      focusOn(rowsOf(this.table)[0]);
    });
    this.changed();
  }

  /** Put a block where the box stands; return in words what was done and what found no room. */
  paste(block, box) {
    const line = box.closest("[data-row]");
    const lines = rowsOf(this.table);
    const start = lines.indexOf(line);
    const { rows, columns } = withoutHeads(block, headsOf(line), box.dataset.column);
    const room = (this.isFixed ? lines.length : this.most) - start;
    const taken = rows.slice(0, Math.max(0, room));
    let lost = 0;
    taken.forEach((cells, down) => {
      lost = Math.max(lost, this.fill(lines[start + down] ?? appendRow(this.table), columns, cells));
    });
    renumber(this.table, start);
    const words = [`已粘贴 ${taken.length} 行`];
    if (rows.length > taken.length) words.push(`另有 ${rows.length - taken.length} 行放不下`);
    if (lost) words.push(`右边多出的 ${lost} 列没有放`);
    return words.join("，");
  }

  fill(line, columns, cells) {
    const boxes = new Map(boxesOf(line).map((box) => [box.dataset.column, box]));
    const { filled, lost } = cellsToFill(columns, cells);
    for (const [column, text] of filled) {
      const box = boxes.get(column);
      if (!box || box.dataset.kind === "fixed" || box.dataset.kind === "image") continue;
      if (box.dataset.kind === "check") box.checked = /^(是|√|✓|☑|true|1|有)$/i.test(text);
      else if (box.dataset.kind === "multi") writeBox(box, text.split(/[、,，;；]/).map((one) => one.trim()));
      else writeBox(box, box.dataset.kind === "longtext" ? text : text.replace(/\s*\n\s*/g, " "));
    }
    return lost;
  }

  /** Say what was done, where it can be seen, with a way back. */
  tell(words, undo) {
    const place = this.table.querySelector("[data-told]");
    place.replaceChildren(words);
    announce(words);
    if (!undo) return;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "btn btn-sm btn-link";
    button.textContent = "撤销";
    button.addEventListener("click", () => {
      undo();
      this.tell("已撤销");
      this.changed();
    });
    place.append(" ", button);
  }
}

// The columns of a row as they are read from left to right, computed ones too.
function headsOf(line) {
  return [...line.querySelectorAll("td[data-label]")].map((cell) => {
    const box = cell.querySelector("[data-column]");
    return {
      label: cell.dataset.label,
      column: box?.dataset.column ?? cell.querySelector("[data-computed-column]")?.dataset.computedColumn,
      isTyped: Boolean(box) && box.dataset.kind !== "fixed",
    };
  });
}

function appendRow(table) {
  const template = table.querySelector("[data-row-template]");
  const line = template.content.firstElementChild.cloneNode(true);
  table.querySelector("tbody").append(line);
  return line;
}

// Names, ids and labels follow the row's place, so that messages find their entry.
function renumber(table, from = 0, to = Infinity) {
  const key = table.dataset.rows;
  rowsOf(table).forEach((line, at) => {
    if (at < from || at >= to) return;
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
  if (box.tagName === "SPAN") nameChoices(box, path);
  else box.name = path;
  box.setAttribute("aria-describedby", `m-${path}`);
  box.setAttribute("aria-label", `${cell.dataset.label} 第${at + 1}行`);
}

// Renaming a chosen radio button may uncheck another of the same name for a moment: choose again.
function nameChoices(box, path) {
  const inputs = [...box.querySelectorAll("input[name]")];
  const chosen = inputs.filter((one) => one.checked);
  for (const one of inputs) one.name = `new-${path}`;
  for (const one of inputs) one.name = path;
  for (const one of chosen) one.checked = true;
}

function isOneLine(box) {
  return (box.tagName === "INPUT" && box.type !== "checkbox") || box.dataset.kind === "text";
}

function focusOn(line, column) {
  const boxes = line ? boxesOf(line).filter((box) => box.dataset.kind !== "fixed") : [];
  const box = boxes.find((one) => one.dataset.column === column) ?? boxes[0];
  if (!box) return;
  const input = inputOf(box);
  input.focus();
  if (input.select && input.type !== "checkbox" && input.type !== "radio") input.select();
}
