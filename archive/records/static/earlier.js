// Take entries over from an earlier record: a dialog with a search box, those of the same
// customer first. Blank entries only, or all; and a way back.

import { announce, getJson } from "/static/js/app.js";

const WAIT_MS = 200;

/**
 * Open the dialog; `take` gets (values, isAll, title) of the record chosen.
 */
export function chooseEarlier(url, take) {
  const dialog = document.createElement("dialog");
  dialog.className = "ask earlier-dialog";
  dialog.setAttribute("aria-labelledby", "earlier-title");
  const box = element("input", "form-control");
  Object.assign(box, { type: "search", placeholder: "题名或编号", maxLength: 100 });
  box.setAttribute("aria-label", "题名或编号");
  const list = element("ul", "earlier-list list-unstyled");
  const note = element("p", "row-note");
  note.setAttribute("role", "status");
  const close = button("关闭", "btn-outline-secondary", () => dialog.close());
  const title = element("h2", "", "照以前的填");
  title.id = "earlier-title";
  const foot = element("div", "form-actions");
  foot.append(close);
  dialog.append(title, box, note, list, foot);
  document.body.append(dialog);
  const search = new Search(url, list, note, (record, isAll) => takeFrom(url, record, isAll, dialog, take, note));
  box.addEventListener("input", (event) => !event.isComposing && search.soon(box.value));
  box.addEventListener("compositionend", () => search.soon(box.value));
  dialog.addEventListener("close", () => dialog.remove());
  dialog.showModal();
  search.now("");
}

class Search {
  constructor(url, list, note, chosen) {
    Object.assign(this, { url, list, note, chosen });
  }

  soon(text) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.now(text), WAIT_MS);
  }

  async now(text) {
    this.request?.abort();
    this.request = new AbortController();
    try {
      const query = new URLSearchParams({ q: text });
      const answer = await getJson(`${this.url}.json?${query}`, { signal: this.request.signal });
      this.show(answer, text);
    } catch (problem) {
      if (problem.name !== "AbortError") this.note.textContent = "没连上服务器，请稍后再试";
    }
  }

  show({ items, total }, text) {
    const more = total > items.length ? `，先列 ${items.length} 份，可以再写几个字缩小范围` : "";
    const none = text ? "没有找到，换个题名或编号再找" : "还没有填过同样的表";
    this.note.textContent = total ? `共 ${total} 份${more}` : none;
    this.list.replaceChildren(...items.map((record) => this.line(record)));
  }

  line(record) {
    const line = element("li", "earlier-line");
    const about = [record.number || "没有编号", record.author, `${record.year} 年`, record.state];
    const words = element("div", "earlier-words");
    words.append(element("strong", "", record.title), element("span", "row-note", about.join(" · ")));
    const acts = element("div", "earlier-acts");
    const blank = button("填空着的栏", "btn-sm btn-primary", () => this.chosen(record, false));
    const all = button("全部照抄", "btn-sm btn-outline-secondary", () => this.chosen(record, true));
    for (const one of [blank, all]) one.setAttribute("aria-label", `${one.textContent}：${record.title}`);
    acts.append(blank, all);
    line.append(words, acts);
    return line;
  }
}

async function takeFrom(url, record, isAll, dialog, take, note) {
  try {
    const { values } = await getJson(`${url}/${record.id}.json`);
    dialog.close();
    take(values, isAll, record.title);
  } catch {
    note.textContent = "没有取到这一份的内容，请再试一次";
    announce(note.textContent);
  }
}

function element(tag, look, words = "") {
  const made = document.createElement(tag);
  made.className = look;
  made.textContent = words;
  return made;
}

function button(words, look, act) {
  const made = element("button", `btn ${look}`, words);
  made.type = "button";
  made.addEventListener("click", act);
  return made;
}
