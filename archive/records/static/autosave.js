// Saves the page by itself, so that nothing typed is lost: 600 ms after the last key to the
// server, at once to this browser's storage, which holds it until the server has it.

import { Refused, getJson, postJson } from "/static/js/app.js";

const WAIT_MS = 600;
const RETRY_MS = [2000, 5000, 10000, 30000];

export class Autosave {
  /**
   * `read` returns the page's values; `told` is called with ("saving" | "saved" | "waiting" |
   * "refused", words); `saved` with each answer; `conflict` with (mine, theirs, base) and returns
   * the values to go on with, or null to stay as one is.
   */
  constructor({ url, entriesUrl, storageKey, version, read, told, saved, conflict }) {
    Object.assign(this, { url, entriesUrl, storageKey, version, read, told, saved, conflict });
    this.acknowledged = JSON.stringify(read());
    this.tries = 0;
    this.isStopped = false;
    addEventListener("online", () => this.isDirty && this.flush());
    addEventListener("beforeunload", (event) => this.isDirty && event.preventDefault());
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "hidden" && this.isDirty) this.flush();
    });
  }

  get isDirty() {
    return JSON.stringify(this.read()) !== this.acknowledged;
  }

  /** What this browser kept and the server may not have: {version, values} or null. */
  kept() {
    try {
      return JSON.parse(localStorage.getItem(this.storageKey));
    } catch {
      return null;
    }
  }

  /** Something was typed. */
  touch() {
    if (!this.isDirty) return;
    this.keep();
    this.told("waiting", "");
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.flush(), WAIT_MS);
  }

  /** Save now; resolves to true when the server has everything. */
  flush() {
    clearTimeout(this.timer);
    this.running = (this.running ?? Promise.resolve()).then(() => this.send());
    return this.running;
  }

  async send() {
    if (this.isStopped || !this.isDirty) return !this.isDirty;
    const values = this.read();
    this.told("saving", "正在保存…");
    try {
      const answer = await postJson(this.url, { version: this.version, values });
      this.acknowledge(answer, JSON.stringify(values));
      return !this.isDirty;
    } catch (problem) {
      if (!(problem instanceof Refused)) throw problem;
      return this.refused(problem, values);
    }
  }

  acknowledge(answer, sent) {
    this.version = answer.version;
    this.acknowledged = sent;
    this.tries = 0;
    this.saved(answer);
    if (this.isDirty) {
      this.touch();
      return;
    }
    this.forget();
    this.told("saved", `已保存 ${answer.saved_at}`);
  }

  async refused(problem, values) {
    if (problem.status === 409) return this.settle(values);
    if (problem.status === 0 || problem.status === 401 || problem.status === 429 || problem.status >= 500) {
      this.retryLater();
      const why = problem.status === 401 ? "登录已过期，请在新窗口登录；" : "没连上服务器，";
      this.told("refused", `${why}内容已存在本机，会自动重试`);
      return false;
    }
    const words = {
      400: "页面放得太久，请刷新；填的内容已存在本机，刷新后会放回来",
      403: "您没有权限改这份文件",
      404: "这份文件已不在，或您无权再改",
      413: "内容太多，请删减后再存",
      422: "内容形式不对，没有保存；请刷新页面后再试",
    };
    this.told("refused", words[problem.status] ?? problem.message);
    return false;
  }

  retryLater() {
    const wait = RETRY_MS[Math.min(this.tries, RETRY_MS.length - 1)];
    this.tries += 1;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.flush(), wait);
  }

  /** The draft was changed elsewhere: let the person choose, then save on the newer version. */
  async settle(mine) {
    let theirs;
    try {
      theirs = await getJson(this.entriesUrl);
    } catch {
      theirs = null;
    }
    if (!theirs) {
      this.isStopped = true;
      this.told("refused", "这份文件已提交或不能再改；本页内容没有保存，请复制后刷新");
      return false;
    }
    const chosen = await this.conflict(mine, theirs, JSON.parse(this.acknowledged || "null"));
    if (!chosen) {
      this.told("refused", "没有保存：这份文件在别处改过，请再按“保存”选定内容");
      return false;
    }
    this.version = theirs.version;
    this.acknowledged = JSON.stringify(theirs.values);
    return this.send();
  }

  keep() {
    try {
      const copy = { version: this.version, values: this.read(), at: Date.now() };
      localStorage.setItem(this.storageKey, JSON.stringify(copy));
    } catch {
      // storage full or switched off: the server still gets everything
    }
  }

  forget() {
    try {
      localStorage.removeItem(this.storageKey);
    } catch {
      // nothing was kept
    }
  }
}
