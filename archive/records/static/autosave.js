// Saves the page by itself, so that nothing typed is lost: shortly after the last key to the
// server, at once to this browser's storage, which holds it until the server has it.

import { Refused, getJson, postJson } from "/static/js/app.js";

const WAIT_MS = 400;
const RETRY_MS = [2000, 5000, 10000, 30000];
const WORDS = {
  400: "页面放得太久，请刷新；填的内容已存在本机，刷新后会放回来",
  403: "您没有权限改这份文件",
  404: "这份文件已不在，或您无权再改",
  413: "内容太多，请删减后再存",
  422: "内容形式不对，没有保存；请刷新页面后再试",
};

export class Autosave {
  /**
   * `read` returns the page's values; `told` is called with ("saving" | "saved" | "waiting" |
   * "refused" | "signed-out", words); `saved` with each answer and the values sent, which it may
   * complete with what the server brought; `conflict` with (mine, theirs, base) and returns the
   * values to go on with, or null to stay as one is.
   */
  constructor({ url, entriesUrl, storageKey, version, read, told, saved, conflict }) {
    Object.assign(this, { url, entriesUrl, storageKey, version, read, told, saved, conflict });
    this.acknowledged = JSON.stringify(read());
    this.tries = 0;
    this.isStopped = false;
    this.isSignedOut = false;
    addEventListener("online", () => this.isDirty && this.flush());
    addEventListener("focus", () => this.isSignedOut && this.flush());
    addEventListener("beforeunload", (event) => this.isDirty && event.preventDefault());
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "hidden" ? this.isDirty : this.isSignedOut) this.flush();
    });
  }

  get isDirty() {
    return JSON.stringify(this.read()) !== this.acknowledged;
  }

  /** What this browser kept and the server may not have: {version, values, base} or null. */
  kept() {
    try {
      return JSON.parse(localStorage.getItem(this.storageKey));
    } catch {
      return null;
    }
  }

  /** Something was typed. */
  touch() {
    const values = JSON.stringify(this.read());
    if (values === this.acknowledged) return;
    this.keep(values);
    if (!this.isSignedOut) this.told("waiting", "");
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
    if (!this.isSignedOut) this.told("saving", "正在保存…");
    try {
      const answer = await this.post(values);
      this.acknowledge(answer, values);
      return !this.isDirty;
    } catch (problem) {
      if (!(problem instanceof Refused)) throw problem;
      return this.refused(problem, values);
    }
  }

  /** Post; when the page's token is too old, fetch a fresh one and try once more. */
  async post(values) {
    const body = { version: this.version, values };
    try {
      return await postJson(this.url, body);
    } catch (problem) {
      if (!(problem instanceof Refused) || problem.status !== 400) throw problem;
    }
    const { csrf } = (await getJson(this.entriesUrl)) ?? {};
    if (csrf) renewToken(csrf);
    return postJson(this.url, body);
  }

  acknowledge(answer, values) {
    this.version = answer.version;
    this.tries = 0;
    this.isSignedOut = false;
    this.saved(answer, values);
    this.acknowledged = JSON.stringify(values);
    if (this.isDirty) {
      this.touch();
      return;
    }
    this.forget();
    this.told("saved", `已保存 ${answer.saved_at}`);
  }

  async refused(problem, values) {
    if (problem.status === 409) return this.settle(values);
    if (problem.status === 401) return this.signedOut();
    if (problem.status === 0 || problem.status === 429 || problem.status >= 500) {
      this.retryLater();
      this.told("refused", "没连上服务器，内容已存在本机，会自动重试");
      return false;
    }
    this.told("refused", WORDS[problem.status] ?? problem.message);
    return false;
  }

  /** Nobody is signed in any more: keep everything here and go on once someone is. */
  signedOut() {
    this.isSignedOut = true;
    this.retryLater();
    this.told("signed-out", "登录已过期；内容已存在本机，登录后自动接着保存。");
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

  keep(values) {
    try {
      const base = this.acknowledged || "null";
      const copy = `{"version":${this.version},"values":${values},"base":${base},"at":${Date.now()}}`;
      localStorage.setItem(this.storageKey, copy);
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

function renewToken(token) {
  document.querySelector('meta[name="csrf-token"]')?.setAttribute("content", token);
  for (const box of document.querySelectorAll('input[name="csrf_token"]')) box.value = token;
}
