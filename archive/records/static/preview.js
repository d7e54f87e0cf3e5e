// The printed page beside the entry: a picture of the real PDF, renewed after each save.

const WAIT_MS = 30; // several saves in a row make one picture
const WIDE = matchMedia("(min-width: 1400px)");

export class Preview {
  constructor(form) {
    this.form = form;
    this.pane = form.querySelector("[data-preview]");
    this.image = form.querySelector("[data-preview-image]");
    this.note = form.querySelector("[data-preview-note]");
    this.page = 1;
    this.pages = 1;
    this.version = Number(form.dataset.version);
    this.shownVersion = 0;
    this.on("[data-preview-open]", () => this.open());
    this.on("[data-preview-close]", () => this.close());
    this.on("[data-preview-back]", () => this.turn(-1));
    this.on("[data-preview-next]", () => this.turn(1));
    form.querySelector("[data-preview-open]").hidden = false;
    WIDE.addEventListener("change", () => this.fit());
    this.pane.addEventListener("keydown", (event) => event.key === "Escape" && this.close());
    this.fit();
  }

  on(selector, act) {
    this.form.querySelector(selector).addEventListener("click", act);
  }

  fit() {
    this.pane.hidden = !WIDE.matches;
    if (WIDE.matches) this.renew(this.version);
  }

  open() {
    this.pane.hidden = false;
    this.pane.classList.add("is-open");
    this.pane.querySelector("[data-preview-close]").focus();
    this.renew(this.version);
  }

  close() {
    if (WIDE.matches) return;
    this.pane.hidden = true;
    this.pane.classList.remove("is-open");
    this.form.querySelector("[data-preview-open]").focus();
  }

  turn(step) {
    this.page = Math.min(Math.max(this.page + step, 1), this.pages);
    this.shownVersion = 0;
    this.load();
  }

  /** The draft now stands at this version: show it, if anyone is looking. */
  renew(version) {
    this.version = version;
    if (this.pane.hidden || this.shownVersion === version) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.load(), WAIT_MS);
  }

  async load() {
    this.request?.abort();
    this.request = new AbortController();
    const version = this.version;
    const width = Math.min(1600, Math.round(this.pane.clientWidth * devicePixelRatio) || 900);
    const query = new URLSearchParams({ page: this.page, v: version, width });
    this.note.textContent = "更新中…";
    try {
      const answer = await fetch(`${this.form.dataset.previewUrl}?${query}`, {
        signal: this.request.signal,
        credentials: "same-origin",
      });
      await this.show(answer, version);
    } catch (problem) {
      if (problem.name !== "AbortError") this.note.textContent = "没连上服务器，稍后再更新";
    }
  }

  async show(answer, version) {
    if (answer.status === 404 && this.page > 1) {
      this.page = 1;
      await this.load();
      return;
    }
    if (!answer.ok) {
      const isPlain = (answer.headers.get("Content-Type") ?? "").startsWith("text/plain");
      this.note.textContent = isPlain ? await answer.text() : "打印效果暂时看不到，Word 照常可以下载";
      return;
    }
    this.pages = Number(answer.headers.get("X-Page-Count")) || 1;
    const old = this.image.src;
    this.image.src = URL.createObjectURL(await answer.blob());
    this.image.alt = `第 ${this.page} 页的打印效果`;
    this.image.hidden = false;
    if (old) URL.revokeObjectURL(old);
    this.shownVersion = version;
    this.note.textContent = "";
    this.form.querySelector("[data-preview-pages]").hidden = this.pages < 2;
    this.form.querySelector("[data-preview-page]").textContent = `${this.page} / ${this.pages}`;
  }
}
