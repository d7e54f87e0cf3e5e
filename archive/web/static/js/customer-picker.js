// A combobox that looks customers up on the server: by part of the name, initials, number.
//
//   <input data-customer-picker data-url="/customers/suggest" name="客户名称" class="form-control">
//   optional: data-id-target="customer_id" (input that receives the id)
//
// What is typed stays as typed; picking one fills the name in and fires "customer-picked" with
// the customer's JSON in event.detail. Inputs added to the page later are picked up too.

import { getJson } from "./app.js";

const WAIT_MS = 180;
let counter = 0;

export class CustomerPicker {
  constructor(input) {
    this.input = input;
    this.url = input.dataset.url || "/customers/suggest";
    this.idTarget = document.getElementById(input.dataset.idTarget ?? "");
    this.options = [];
    this.active = -1;
    this.build();
    this.listen();
  }

  build() {
    counter += 1;
    this.list = document.createElement("ul");
    this.list.className = "picker-list";
    this.list.id = `customer-list-${counter}`;
    this.list.hidden = true;
    this.list.setAttribute("role", "listbox");
    this.list.setAttribute("aria-label", "客户");
    const wrap = document.createElement("div");
    wrap.className = "picker";
    this.input.before(wrap);
    wrap.append(this.input, this.list);
    this.input.autocomplete = "off";
    for (const [name, value] of Object.entries({
      role: "combobox",
      "aria-autocomplete": "list",
      "aria-expanded": "false",
      "aria-controls": this.list.id,
    })) {
      this.input.setAttribute(name, value);
    }
  }

  listen() {
    this.input.addEventListener("input", (event) => {
      if (this.idTarget) this.idTarget.value = "";
      if (!event.isComposing) this.lookUpSoon();
    });
    this.input.addEventListener("compositionend", () => this.lookUpSoon());
    this.input.addEventListener("keydown", (event) => this.onKey(event));
    this.input.addEventListener("blur", () => setTimeout(() => this.close(), 150));
    this.list.addEventListener("pointerdown", (event) => {
      event.preventDefault(); // keep the focus in the input
      const option = event.target.closest("[role=option]");
      if (option) this.pick(Number(option.dataset.index));
    });
  }

  lookUpSoon() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.lookUp(), WAIT_MS);
  }

  async lookUp() {
    const text = this.input.value.trim();
    this.request?.abort();
    if (!text) {
      this.close();
      return;
    }
    this.request = new AbortController();
    const query = new URLSearchParams({ q: text });
    try {
      const answer = await getJson(`${this.url}?${query}`, { signal: this.request.signal });
      this.show(answer.items);
    } catch (problem) {
      if (problem.name !== "AbortError") this.close(); // the name typed still counts
    }
  }

  show(customers) {
    if (document.activeElement !== this.input) return;
    this.options = customers;
    this.active = -1;
    this.list.replaceChildren(...customers.map((customer, n) => this.option(customer, n)));
    if (customers.length === 0) this.list.append(note("登记册里没有这个客户，可按新客户填写。"));
    this.list.hidden = false;
    this.input.setAttribute("aria-expanded", "true");
    this.input.removeAttribute("aria-activedescendant");
  }

  option(customer, n) {
    const item = document.createElement("li");
    item.id = `${this.list.id}-${n}`;
    item.dataset.index = n;
    item.setAttribute("role", "option");
    item.setAttribute("aria-selected", "false");
    const name = document.createElement("div");
    name.textContent = customer.name;
    const about = document.createElement("div");
    about.className = "picker-note";
    const parts = [customer.number, customer.region, customer.status === "正常" ? "" : customer.status];
    about.textContent = parts.filter(Boolean).join(" · ");
    item.append(name, about);
    return item;
  }

  onKey(event) {
    if (event.isComposing) return;
    if (event.key === "ArrowDown" && this.list.hidden) this.lookUp();
    else if (this.list.hidden) return;
    else if (event.key === "ArrowDown") this.move(1);
    else if (event.key === "ArrowUp") this.move(-1);
    else if (event.key === "Enter" && this.active >= 0) this.pick(this.active);
    else if (event.key === "Escape") this.close();
    else return;
    event.preventDefault();
  }

  move(step) {
    const count = this.options.length;
    if (count === 0) return;
    this.active = (this.active + step + count + (this.active < 0 && step < 0 ? 1 : 0)) % count;
    this.list.querySelectorAll("[role=option]").forEach((item, n) => {
      item.setAttribute("aria-selected", String(n === this.active));
      if (n !== this.active) return;
      item.scrollIntoView({ block: "nearest" });
      this.input.setAttribute("aria-activedescendant", item.id);
    });
  }

  pick(n) {
    const customer = this.options[n];
    if (!customer) return;
    clearTimeout(this.timer);
    this.request?.abort();
    this.input.value = customer.name;
    if (this.idTarget) this.idTarget.value = customer.id;
    this.close();
    this.input.dispatchEvent(new Event("change", { bubbles: true }));
    this.input.dispatchEvent(new CustomEvent("customer-picked", { bubbles: true, detail: customer }));
  }

  close() {
    this.list.hidden = true;
    this.active = -1;
    this.input.setAttribute("aria-expanded", "false");
    this.input.removeAttribute("aria-activedescendant");
  }
}

function note(text) {
  const item = document.createElement("li");
  item.className = "picker-note";
  item.textContent = text;
  return item;
}

function attach(root) {
  for (const input of root.querySelectorAll("[data-customer-picker]:not([role=combobox])")) {
    new CustomerPicker(input);
  }
}

attach(document);
new MutationObserver((changes) => {
  for (const change of changes) {
    for (const node of change.addedNodes) if (node instanceof Element) attach(node.parentElement ?? node);
  }
}).observe(document.body, { childList: true, subtree: true });
