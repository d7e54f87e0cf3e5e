// Completions in the search box, and the filters opened where there is room for them.
//
// The box is a combobox: arrows move (down in an empty box brings one's own past searches), Enter
// takes what is chosen (a title leads to its paper, a customer is searched for), Escape closes. Without this script the form works all the same.

import { getJson } from "/static/js/app.js";

const WAIT_MS = 120;
const WIDE = "(min-width: 768px)";

class Suggestions {
  constructor(input) {
    this.input = input;
    this.url = input.dataset.suggest;
    this.items = [];
    this.active = -1;
    this.build();
    this.listen();
  }

  build() {
    this.list = document.createElement("ul");
    this.list.className = "picker-list";
    this.list.id = "search-suggestions";
    this.list.hidden = true;
    this.list.setAttribute("role", "listbox");
    this.list.setAttribute("aria-label", "提示");
    const wrap = document.createElement("div");
    wrap.className = "picker";
    const hadFocus = document.activeElement === this.input;
    this.input.before(wrap);
    wrap.append(this.input, this.list);
    if (hadFocus || this.input.autofocus) this.input.focus();
    const roles = {
      role: "combobox",
      "aria-autocomplete": "list",
      "aria-expanded": "false",
      "aria-controls": this.list.id,
    };
    for (const [name, value] of Object.entries(roles)) this.input.setAttribute(name, value);
  }

  listen() {
    this.input.addEventListener("input", (event) => {
      if (!event.isComposing) this.askSoon();
    });
    this.input.addEventListener("compositionend", () => this.askSoon());
    this.input.addEventListener("pointerdown", () => {
      if (this.list.hidden && !this.input.value) this.askSoon(); // past searches
    });
    this.input.addEventListener("keydown", (event) => this.onKey(event));
    this.input.addEventListener("blur", () => setTimeout(() => this.close(), 150));
    this.list.addEventListener("pointerdown", (event) => {
      event.preventDefault(); // keep the focus in the box
      const option = event.target.closest("[role=option]");
      if (option) this.take(Number(option.dataset.index));
    });
  }

  askSoon() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.ask(), WAIT_MS);
  }

  async ask() {
    const text = this.input.value.trim(); // nothing typed: one's own past searches
    this.request?.abort();
    this.request = new AbortController();
    try {
      const query = new URLSearchParams({ q: text });
      const answer = await getJson(`${this.url}?${query}`, { signal: this.request.signal });
      this.show(answer.items);
    } catch (problem) {
      if (problem.name !== "AbortError") this.close(); // searching itself still works
    }
  }

  show(items) {
    if (document.activeElement !== this.input) return;
    this.items = items;
    this.active = -1;
    this.list.replaceChildren(...items.map((item, n) => this.option(item, n)));
    this.list.hidden = items.length === 0;
    this.input.setAttribute("aria-expanded", String(items.length > 0));
    this.input.removeAttribute("aria-activedescendant");
  }

  option(item, n) {
    const line = document.createElement("li");
    line.id = `${this.list.id}-${n}`;
    line.dataset.index = n;
    line.setAttribute("role", "option");
    line.setAttribute("aria-selected", "false");
    if (item.kind === "past") line.classList.add("picker-past");
    const text = document.createElement("span");
    text.className = "picker-text";
    text.textContent = item.text;
    const note = document.createElement("span");
    note.className = "picker-note";
    note.textContent = item.note;
    line.append(text, note);
    return line;
  }

  onKey(event) {
    if (event.isComposing) return;
    if (this.list.hidden) {
      if (event.key !== "ArrowDown") return;
      this.askSoon();
      event.preventDefault();
      return;
    }
    if (event.key === "ArrowDown") this.move(1);
    else if (event.key === "ArrowUp") this.move(-1);
    else if (event.key === "Enter" && this.active >= 0) this.take(this.active);
    else if (event.key === "Escape") this.close();
    else return;
    event.preventDefault();
  }

  move(step) {
    const count = this.items.length;
    const from = this.active < 0 && step < 0 ? 0 : this.active;
    this.active = (from + step + count) % count;
    this.list.querySelectorAll("[role=option]").forEach((line, n) => {
      line.setAttribute("aria-selected", String(n === this.active));
      if (n !== this.active) return;
      line.scrollIntoView({ block: "nearest" });
      this.input.setAttribute("aria-activedescendant", line.id);
    });
  }

  take(n) {
    const item = this.items[n];
    if (!item) return;
    this.close();
    if (item.url) {
      window.location.assign(item.url);
      return;
    }
    this.input.value = item.text;
    this.input.form.requestSubmit();
  }

  close() {
    clearTimeout(this.timer);
    this.request?.abort();
    this.list.hidden = true;
    this.active = -1;
    this.input.setAttribute("aria-expanded", "false");
    this.input.removeAttribute("aria-activedescendant");
  }
}

function openWhereWide() {
  const wide = window.matchMedia(WIDE);
  const follow = () => {
    for (const facets of document.querySelectorAll("[data-open-wide]")) facets.open = wide.matches;
  };
  wide.addEventListener("change", follow);
  follow();
}

for (const input of document.querySelectorAll("[data-suggest]")) new Suggestions(input);
openWhereWide();
