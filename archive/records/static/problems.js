// The list of what is wrong or missing, in the order of the page, each a way to its entry.

import { inputOf, showMessages } from "./entries.js";

export class Problems {
  constructor(form, labels) {
    Object.assign(this, { form, labels });
    this.box = form.querySelector("[data-problems]");
    this.wantsAll = false;
    this.box.addEventListener("click", (event) => {
      const link = event.target.closest("[data-goto]");
      if (!link) return;
      event.preventDefault();
      goTo(link.dataset.goto);
    });
  }

  /** Show what an answer of the server finds, as far as anyone wants to know it by now. */
  renew(answer) {
    if (this.wantsAll || !this.box.hidden) this.list(answer);
  }

  /** List everything that keeps the record from being submitted; return how much that is. */
  listAll(answer) {
    this.wantsAll = true;
    const count = this.list(answer);
    if (count) {
      this.box.focus();
      this.box.scrollIntoView({ block: "nearest" });
    }
    return count;
  }

  list(answer) {
    const found = { ...answer.errors, ...(this.wantsAll ? answer.missing : {}) };
    const paths = Object.keys(found).sort(inPaperOrder);
    this.box.hidden = paths.length === 0;
    this.box.querySelector("[data-problems-head]").textContent =
      `还有 ${paths.length} 处要填好或改正${this.wantsAll ? "，才能提交" : ""}：`;
    const lines = paths.map((path) => this.line(path, found[path]));
    this.box.querySelector("[data-problems-list]").replaceChildren(...lines);
    if (this.wantsAll) showMessages(this.form, found, answer.warnings);
    return paths.length;
  }

  line(path, why) {
    const item = document.createElement("li");
    const link = document.createElement("a");
    link.href = `#f-${path}`;
    link.dataset.goto = path;
    link.textContent = this.placeOf(path);
    item.append(link, `：${why}`);
    return item;
  }

  placeOf(path) {
    const cell = /^([^[]+)\[(\d+)\]\.?(.*)$/.exec(path);
    if (!cell) return this.labels[path] ?? path;
    const [, table, row, column] = cell;
    const words = [this.labels[table] ?? table, `第${Number(row) + 1}行`, this.labels[`${table}.${column}`] ?? column];
    return words.filter(Boolean).join(" ");
  }
}

function inPaperOrder(one, other) {
  const [first, second] = [one, other].map((path) => document.getElementById(`f-${path}`));
  if (!first || !second) return 0;
  return first.compareDocumentPosition(second) & Node.DOCUMENT_POSITION_FOLLOWING ? -1 : 1;
}

function goTo(path) {
  const box = document.getElementById(`f-${path}`) ?? document.getElementById(`f-${path.split("[")[0]}`);
  if (!box) return;
  box.scrollIntoView({ block: "center" });
  inputOf(box).focus();
}
