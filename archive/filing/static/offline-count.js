// Counts without a network: every scan is kept in this browser with its own id and time, is sent
// when there is a network (sent twice counts once), or is given out as a file to be uploaded.

import { Refused, postJson } from "/static/js/app.js";
import { keepPage } from "/static/js/kept-page.js";

const MOST_AT_ONCE = 500;
const SHOWN = 50;
const WORDS = {
  400: "页面放得太久：请先导出清单，再刷新页面上传",
  401: "登录已过期：请在另一个标签页登录，再回来上传",
  403: "您没有权限办盘点，或登录已过期：请重新登录后再上传",
  404: "这次盘点已不在",
  409: "这次盘点已经结束，不能再上传；请导出清单交给档案员",
};

const panel = document.querySelector("[data-offline]");
const box = document.querySelector("#code");
const key = `stocktake:${panel.dataset.offline}`;
let kept = read();

function read() {
  try {
    const found = JSON.parse(localStorage.getItem(key));
    if (Array.isArray(found?.scans)) return found;
  } catch {
    // what cannot be read is left where it is; a new list begins
  }
  return { here: "", scans: [] };
}

/** Keep what was scanned; says so when the browser has no room. */
function keep() {
  try {
    localStorage.setItem(key, JSON.stringify(kept));
    return true;
  } catch {
    told("这台手机存不下了，刚才这一条没有记下：请先上传或导出。");
    return false;
  }
}

function told(words) {
  document.querySelector("[data-state]").textContent = words;
}

function waiting() {
  return kept.scans.filter((scan) => !scan.sent);
}

function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return `phone:${[...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

/** ISO 7064 MOD 11,10, as the server checks it. */
function isWhole(code) {
  const match = /^[AP](\d{9})(\d)$/.exec(code);
  if (!match) return false;
  let product = 10;
  for (const digit of match[1]) {
    product = (product + Number(digit)) % 10 || 10;
    product = (product * 2) % 11;
  }
  return String((11 - product) % 10) === match[2];
}

function scan(text) {
  const code = text.normalize("NFKC").trim().toUpperCase().slice(0, 40);
  if (!code) return;
  if (code.startsWith("P") && isWhole(code)) {
    const before = kept.here;
    kept.here = code;
    if (!keep()) kept.here = before;
    told(`现在站在 ${code}`);
  } else {
    const isSeen = kept.scans.some((one) => one.barcode === code);
    kept.scans.push({
      client_id: newId(),
      barcode: code,
      place: kept.here,
      seen_at: new Date().toISOString(),
    });
    if (!keep()) kept.scans.pop();
    else if (!isWhole(code)) told(`${code} 不像档案条码，照样记下了`);
    else told(isSeen ? `${code} 扫过了，再记一次` : `${code} 记下了`);
  }
  show();
}

function show() {
  document.querySelector("[data-here]").textContent = kept.here
    ? `现在站在：${kept.here}`
    : "还没有扫位置";
  const left = waiting().length;
  document.querySelector("[data-upload]").textContent = left ? `上传（${left} 条）` : "上传";
  document.querySelector("[data-clear]").hidden = left > 0 || kept.scans.length === 0;
  const lines = kept.scans.slice(-SHOWN).reverse().map(line);
  document.querySelector("[data-list]").replaceChildren(...lines);
}

function line(one) {
  const row = document.createElement("li");
  const tag = document.createElement("span");
  tag.className = `tag tag-${one.sent ? "green" : "amber"}`;
  tag.textContent = one.sent ? "已上传" : "待上传";
  const time = new Date(one.seen_at).toLocaleTimeString("zh-CN", { hour12: false });
  row.append(tag, ` ${one.barcode} ${one.place ? `在 ${one.place}` : ""} ${time}`);
  return row;
}

async function upload() {
  if (!waiting().length) return told("没有要上传的。");
  let done = 0;
  try {
    while (waiting().length) {
      const some = waiting().slice(0, MOST_AT_ONCE);
      const scans = some.map(({ client_id, barcode, place, seen_at }) => ({
        client_id,
        barcode,
        place,
        seen_at,
      }));
      const answer = await postJson(panel.dataset.offline, { scans });
      // A sign-in page answers too, but takes nothing in.
      if (answer?.new + answer?.known !== some.length) throw new Refused(401);
      for (const one of some) one.sent = true;
      done += some.length;
      keep();
    }
    told(`已上传 ${done} 条。`);
  } catch (error) {
    const why = error instanceof Refused ? (WORDS[error.status] ?? error.message) : "没有网络";
    told(`${why.replace(/。$/, "")}；记录都还在这台手机上，可以再试。`);
  }
  show();
}

/** Give the scans out as a file that the stocktake's page takes in; ids keep them from doubling. */
function exported() {
  const rows = kept.scans.map((one) =>
    [one.barcode, one.place, one.seen_at, one.client_id]
      .map((cell) => `"${String(cell).replaceAll('"', '""')}"`)
      .join(","),
  );
  const text = `\ufeff条码,位置,时间,编号\r\n${rows.join("\r\n")}\r\n`;
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
  link.download = `盘点-${panel.dataset.number}.csv`;
  link.click();
  URL.revokeObjectURL(link.href);
}

document.querySelector("[data-scan]").addEventListener("submit", (event) => {
  event.preventDefault();
  scan(box.value);
  box.value = "";
  box.focus();
});
document.querySelector("[data-upload]").addEventListener("click", upload);
document.querySelector("[data-export]").addEventListener("click", exported);
document.querySelector("[data-clear]").addEventListener("click", () => {
  kept.scans = kept.scans.filter((one) => !one.sent);
  keep();
  show();
});
addEventListener("online", () => waiting().length && told("有网了，可以上传。"));
show();
keepPage(panel);
