// A known customer brings its facts along: into blank entries, or over what another customer
// brought before, but never over something typed.

import { announce, getJson } from "/static/js/app.js";
import { boxAt } from "./entries.js";

export class Facts {
  /** `facts` and `rowFacts` say which entry takes which fact; `changed` follows a filling. */
  constructor(form, { facts, rowFacts, customerEntry, labels, changed }) {
    Object.assign(this, { form, facts, rowFacts, customerEntry, labels, changed });
    this.brought = new WeakMap();
    form.addEventListener("customer-picked", (event) => this.fill(event.target, event.detail));
    form.addEventListener("change", (event) => {
      if (event.target.matches("[data-customer-picker]")) this.lookUp(event.target);
    });
  }

  // A name typed in full counts as picked.
  async lookUp(box) {
    const name = box.value.trim();
    if (!name) return;
    try {
      const { items } = await getJson(`${box.dataset.url}?${new URLSearchParams({ q: name })}`);
      const known = items.find((one) => one.name === name);
      if (known && box.value.trim() === name) this.fill(box, known);
    } catch {
      // the name alone still counts
    }
  }

  fill(box, customer) {
    const filled = [];
    for (const [path, fact] of this.targets(box)) {
      const target = boxAt(this.form, path);
      const value = customer[fact] ?? "";
      const before = target?.value ?? "";
      if (!target || before === value || (before.trim() && before !== this.brought.get(target))) continue;
      target.value = value;
      this.brought.set(target, value);
      target.classList.add("is-brought");
      if (value) filled.push(this.labels[path.replace(/\[\d+\]/, "")] ?? path);
    }
    if (filled.length) announce(`已带入：${filled.join("、")}`);
    this.changed();
  }

  targets(box) {
    const cell = /^f-(.+)\[(\d+)\]\./.exec(box.id);
    if (!cell) return box.dataset.entry === this.customerEntry ? Object.entries(this.facts) : [];
    const columns = Object.entries(this.rowFacts[cell[1]] ?? {});
    return columns.map(([column, fact]) => [`${cell[1]}[${cell[2]}].${column}`, fact]);
  }
}
