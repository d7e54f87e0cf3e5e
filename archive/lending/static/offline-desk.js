// The desk without a network: what is handed out and taken back is kept in this browser with its
// own ids and times, and is sent, once, when the network is back; conflicts are told and stay.
// What may be handed out, and what is out, was fetched while there was a network.

import { Refused, postJson } from "/static/js/app.js";
import { isKept, keepPage } from "/static/js/kept-page.js";
import { SignaturePad } from "/static/js/signature-pad.js";

const PROBE_MS = 3000;
const REFRESH_MS = 60000;
const MOST_AT_ONCE = 200;
const MOST_LETTERS = 1_500_000; // of drawn signatures sent at once
const LONGEST_REPORT = 100;
const OUT_OF_REACH = [502, 503, 504]; // what a proxy says for a server that does not answer
const WORDS = {
  400: "页面放得太久：请刷新页面再上传",
  401: "登录已过期：请在另一个标签页登录，再回来上传",
  403: "您没有权限办借阅，或登录已过期：请重新登录后再上传",
};

const panel = document.querySelector("[data-offline-desk]");
const url = panel.dataset.offlineDesk;
const part = (name) => panel.querySelector(`[data-${name}]`);
const keyOf = (what) => `desk:${panel.dataset.user}:${what}`;
let isCut = false;
let sending = null;

function read(what, otherwise) {
  try {
    return JSON.parse(localStorage.getItem(keyOf(what))) ?? otherwise;
  } catch {
    return otherwise; // what cannot be read is left where it is
  }
}

function keep(what, value) {
  try {
    localStorage.setItem(keyOf(what), JSON.stringify(value));
    return true;
  } catch {
    tell("这台机器存不下了，刚才这一笔没有记下：请改用纸笔登记。");
    return false;
  }
}

const queue = () => read("queue", []);

function tell(words) {
  part("told").textContent = words;
  panel.hidden = false;
}

function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return `desk:${[...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

/** Ask the server for what is needed to go on, unless that is fresh; false: it is out of reach. */
async function fetchSnapshot({ anew = false } = {}) {
  const isFresh = !anew && Date.now() - read("fetched", 0) < REFRESH_MS;
  try {
    const answer = await fetch(isFresh ? "/healthz" : url, {
      credentials: "same-origin",
      cache: "no-store",
      headers: { Accept: "application/json" },
      signal: AbortSignal.timeout(PROBE_MS),
    });
    if (OUT_OF_REACH.includes(answer.status)) return false;
    if (!isFresh && answer.ok && answer.headers.get("Content-Type")?.includes("json")) {
      const { csrf_token, ...snapshot } = await answer.json();
      document.querySelector('meta[name="csrf-token"]').content = csrf_token; // the page may be an old one
      if (keep("snapshot", snapshot)) keep("fetched", Date.now());
    }
    return true; // a sign-in page answers too: there is a network
  } catch {
    return false;
  }
}

async function probe() {
  const wasCut = isCut;
  isCut = !(await fetchSnapshot());
  if (wasCut && !isCut) tell("有网了。");
  if (isCut && !wasCut) {
    const warning = isKept() ? "刷新或关掉这一页也不要紧，记录都在。" : "请不要刷新或关掉这一页。";
    tell(`网络断了：可以照常扫码，借出和归还先记在这台机器上。${warning}`);
  }
  show();
  return !isCut;
}

/** What the copy is by the snapshot and by what was done since. */
function find(code) {
  const known = read("snapshot", { ready: [], out: [] });
  const done = queue().filter((act) => act.barcode === code);
  const last = done[done.length - 1];
  const used = new Set(queue().map((act) => act.kind === "out" && act.request_id));
  if (last?.kind === "out") return { kind: "back", borrower: last.borrower, pages: last.pages, code: last.code };
  const out = !last && known.out.find((one) => one.barcode === code);
  if (out) return { kind: "back", borrower: out.borrower, pages: out.pages, code: out.code };
  const ready = known.ready.filter((one) => one.barcodes.includes(code) && !used.has(one.request_id));
  if (ready.length) return { kind: "out", ready };
  return { kind: "unknown", wasBack: Boolean(last) };
}

function scan(text) {
  const code = text.normalize("NFKC").trim().toUpperCase().slice(0, 40);
  if (!code) return;
  const found = find(code);
  const form = part("act");
  form.replaceChildren();
  form.hidden = found.kind === "unknown";
  form.dataset.barcode = code;
  form.dataset.kind = found.kind;
  if (found.kind === "unknown") {
    tell(
      found.wasBack
        ? `${code} 刚才已记下归还。`
        : `${code}：断网前没有人获准取这一份，也没有借出记录，现在认不出；请等有网再办，不要先借出。`,
    );
  } else if (found.kind === "back") {
    form.append(line(`归还 ${code}`, `${found.borrower} 借，${found.code}`));
    form.append(entry("清点页数", "pages", "", `借出时 ${found.pages} 页`), condition());
    form.append(...signBox(), button("记下归还"));
    form.dataset.borrower = found.borrower;
    form.dataset.code = found.code;
    tell("");
  } else {
    form.append(line(`借出 ${code}`, found.ready[0].code), choice(found.ready));
    form.append(entry("借阅人工号", "staff_no", "", "扫工牌核对；认识本人可不填"));
    form.append(entry("清点页数", "pages", String(found.ready[0].pages), ""));
    form.append(...signBox(), button("记下借出"));
    form.dataset.code = found.ready[0].code;
    tell("");
  }
  form.querySelector("input:not([type=radio])")?.focus();
}

function element(tag, properties = {}, ...inner) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...inner);
  return made;
}

function line(strong, note) {
  return element("p", { className: "grow mb-0" }, element("strong", { textContent: strong }), ` ${note}`);
}

function entry(label, name, value, note) {
  const id = `offline-${name}`;
  return element(
    "div",
    {},
    element("label", { className: "form-label", htmlFor: id, textContent: label }),
    element("input", { className: "form-control", id, name, value, autocomplete: "off", maxLength: 20, inputMode: name === "pages" ? "numeric" : "text" }),
    element("div", { className: "form-text", textContent: note }),
  );
}

function condition() {
  const id = "offline-condition";
  const picks = ["完好", "有破损", "有污渍", "装订松散"].map((text) => element("option", { textContent: text }));
  return element(
    "div",
    {},
    element("label", { className: "form-label", htmlFor: id, textContent: "情况" }),
    element("select", { className: "form-select", id, name: "condition" }, ...picks),
  );
}

function choice(ready) {
  const picks = ready.map((one, place) =>
    element(
      "label",
      { className: "loan-way" },
      element("input", { className: "form-check-input", type: "radio", name: "request_id", value: one.request_id, checked: place === 0 }),
      element("span", { textContent: `${one.borrower}（${one.staff_no}） ${one.mode} ${one.number}，保留到 ${one.until}` }),
    ),
  );
  return element("fieldset", { className: "grow" }, ...picks);
}

/** Where the borrower signs by hand for this act; without it they sign on paper, where that will do. */
function signBox() {
  const { takes_drawn, takes_paper } = read("snapshot", {});
  const note = element("p", { className: "form-text grow mb-0", textContent: takes_paper ? "断网时请借阅人在纸面上签字，或在这里手写签名。" : "请借阅人手写签名。" });
  if (!takes_drawn) return takes_paper ? [element("p", { className: "form-text grow mb-0", textContent: "断网时请借阅人在纸面上签字。" })] : [];
  const hidden = element("input", { type: "hidden", name: "signature_png" });
  const place = element("div");
  place.dataset.target = "signature_png";
  const box = element("details", { className: "grow desk-sign", open: !takes_paper }, element("summary", { textContent: "手写签名" }), hidden, place);
  setTimeout(() => new SignaturePad(place)); // it looks for its entry in the form
  return [note, box];
}

function button(text) {
  return element("div", { className: "form-actions" }, element("button", { className: "btn btn-primary", textContent: text }));
}

/** Check what was typed as far as it can be without the server, and keep the act. */
function note(act, borrower, code) {
  const known = read("snapshot", { ready: [], out: [], takes_paper: true });
  if (!known.takes_paper && !act.signature_png) {
    return tell(
      known.takes_drawn
        ? "还没有借阅人的确认：断网时核对不了密码和口令，请借阅人手写签名。"
        : "这里借还要借阅人用密码或口令确认，断网时核对不了；请等有网再办。",
    );
  }
  if (act.pages !== "" && !/^\d{1,6}$/.test(act.pages)) return tell("页数要填数字，请清点后重填。");
  if (act.kind === "back" && act.pages === "") return tell("请清点页数后再记归还。");
  const ready = known.ready.find((one) => one.request_id === act.request_id);
  if (act.kind === "out") {
    if (!ready || !ready.barcodes.includes(act.barcode)) return tell("断网前这份申请还没有批准，不能借出；请等有网再办。");
    if (act.staff_no && act.staff_no !== ready.staff_no) return tell(`工号 ${act.staff_no} 不是${ready.borrower}的，不能借给别人；请核对工牌。`);
  }
  const last = queue().filter((one) => one.barcode === act.barcode).pop();
  if (last?.kind === act.kind) return tell(`${act.barcode} 刚才已记下${act.kind === "out" ? "借出" : "归还"}，不用再记。`);
  const kept = {
    ...act,
    pages: act.pages === "" ? null : Number(act.pages),
    client_id: newId(),
    at: new Date().toISOString(),
    borrower: ready?.borrower ?? borrower,
    code: ready?.code ?? code,
  };
  if (!keep("queue", [...queue(), kept])) return undefined;
  part("act").hidden = true;
  tell(`记下了：${words(kept)}。有网后自动上传。`);
  show();
  const box = document.querySelector("[data-desk-scan]");
  box.value = "";
  box.focus();
  return kept;
}

function words(act) {
  const signed = act.signature_png ? "，已手写签名" : "";
  return (act.kind === "out" ? `${act.barcode} 借给${act.borrower}` : `${act.barcode} 归还（${act.borrower}）`) + signed;
}

function row(tone, tag, text) {
  return element("li", {}, element("span", { className: `tag tag-${tone}`, textContent: tag }), ` ${text}`);
}

function show() {
  const acts = queue();
  const report = read("report", []);
  part("state").textContent = isCut ? "断网" : "联网";
  part("state").className = `tag tag-${isCut ? "red" : "green"}`;
  part("count").textContent = acts.length ? `还有 ${acts.length} 笔没有上传` : "没有待上传的";
  part("queue").replaceChildren(
    ...acts.map((act) => row("amber", "待上传", `${words(act)}，${new Date(act.at).toLocaleTimeString("zh-CN", { hour12: false })}`)),
  );
  const tones = { done: ["green", "已登记"], known: ["gray", "没有改动"], conflict: ["red", "冲突"] };
  part("report").replaceChildren(
    ...report.map((one) => row(...(tones[one.outcome] ?? tones.conflict), `${one.words}：${one.message}`)),
  );
  part("report-box").hidden = report.length === 0;
  part("send").hidden = acts.length === 0;
  if (isCut || acts.length || report.length) panel.hidden = false;
}

/** The first acts of the queue, as many as go into one message. */
function nextActs() {
  const some = [];
  let letters = 0;
  for (const act of queue().slice(0, MOST_AT_ONCE)) {
    letters += (act.signature_png ?? "").length;
    if (some.length && letters > MOST_LETTERS) break;
    some.push(act);
  }
  return some;
}

/** Send the queue; what the server has answered leaves it, everything else stays. */
async function send() {
  if (!queue().length) return;
  try {
    await fetchSnapshot({ anew: true }); // its mark lets a page in that was opened long ago
    while (queue().length) {
      const some = nextActs();
      const acts = some.map(({ client_id, kind, barcode, at, request_id, pages, condition, staff_no, signature_png }) => ({
        client_id, kind, barcode, at, request_id: request_id ?? null, pages,
        condition: condition ?? "", staff_no: staff_no ?? "", signature_png: signature_png ?? "",
      }));
      const answer = await postJson(url, { acts });
      if (answer?.taken?.length !== some.length) throw new Refused(401); // a sign-in page
      const told = answer.taken.map((one, place) => ({ outcome: one.outcome, message: one.message, words: words(some[place]) }));
      keep("report", [...told, ...read("report", [])].slice(0, LONGEST_REPORT));
      const ids = new Set(answer.taken.map((one) => one.client_id));
      keep("queue", queue().filter((act) => !ids.has(act.client_id)));
      const conflicts = told.filter((one) => one.outcome === "conflict").length;
      tell(conflicts ? `上传了 ${told.length} 笔，其中 ${conflicts} 笔有冲突，请按下面的说明核对实物。` : `上传了 ${told.length} 笔，都登记好了。`);
    }
    await fetchSnapshot({ anew: true });
  } catch (error) {
    const why = error instanceof Refused && error.status ? (WORDS[error.status] ?? error.message) : "没有网络";
    tell(`${why.replace(/。$/, "")}；记录都还在这台机器上，可以再试。`);
  }
  show();
}

/** One sending at a time; two tabs of one browser are told apart by the ids on the server. */
function sendOnce() {
  sending ??= send().finally(() => {
    sending = null;
  });
  return sending;
}

/** What a form of the page would have sent, as an act of the queue. */
function actOf(form) {
  const data = Object.fromEntries(new FormData(form));
  const isOut = form.action.endsWith("/hand-out");
  const more = data.note ? `；${data.note}` : "";
  return {
    kind: isOut ? "out" : "back",
    barcode: data.barcode,
    pages: (data.pages ?? "").trim(),
    request_id: isOut ? Number(data.request_id) : null,
    staff_no: (data.staff_no ?? "").trim(),
    condition: `${data.condition ?? ""}${more}`,
    signature_png: data.signature_png ?? "",
    secret: data.secret ?? "",
  };
}

async function onSubmit(event) {
  const form = event.target;
  if (form === part("act")) {
    event.preventDefault();
    const data = Object.fromEntries(new FormData(form));
    const { barcode, kind, borrower, code } = form.dataset;
    const act = { kind, barcode, pages: (data.pages ?? "").trim(), request_id: data.request_id ? Number(data.request_id) : null, staff_no: (data.staff_no ?? "").trim(), condition: data.condition ?? "", signature_png: data.signature_png ?? "" };
    note(act, borrower ?? "", code ?? "");
    return;
  }
  if (!form.matches(".desk-scan, .desk-act") || form.dataset.sure) return;
  event.preventDefault();
  if (form.dataset.busy) return;
  form.dataset.busy = "1";
  const isThere = await probe();
  delete form.dataset.busy;
  if (isThere) {
    if (form.matches(".desk-act")) keep("fetched", 0); // what is out is about to change
    form.dataset.sure = "1";
    form.requestSubmit(event.submitter);
    return;
  }
  if (form.matches(".desk-scan")) return scan(form.elements.barcode.value);
  const { secret, ...act } = actOf(form);
  if (secret && !act.signature_png) return tell("断网时核对不了密码和口令：请借阅人手写签名，或把密码清空、在纸面上签字。");
  return note(act, find(act.barcode).borrower ?? "", "");
}

// Before the shell's own listener, which takes a form that goes out for sent.
document.addEventListener("submit", onSubmit, true);

part("send").addEventListener("click", sendOnce);
part("read").addEventListener("click", () => {
  keep("report", []);
  show();
});
addEventListener("online", async () => (await probe()) && sendOnce());
addEventListener("offline", probe);
addEventListener("beforeunload", (event) => isCut && queue().length && !isKept() && event.preventDefault());
setInterval(async () => {
  const was = isCut;
  if ((await probe()) && (was || queue().length)) await sendOnce();
}, REFRESH_MS);
show();
keepPage(panel);
if (await probe()) await sendOnce();
