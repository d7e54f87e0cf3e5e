// 收件批次：拖进来几百个文件，分几次传，每个文件看得见进度；表格里用键盘上下走。
// 没有它，选文件、保存、登记照样能用。

import { csrfToken } from "/static/js/app.js";

const MOST_FILES = 20;
const MOST_BYTES = 24 * 1024 * 1024;
const LARGEST = 60 * 1024 * 1024;

const form = document.querySelector("[data-intake-upload]");
const drop = document.querySelector("[data-intake-drop]");
const shown = document.querySelector("[data-intake-progress]");

function part(name) {
  return shown.querySelector(`[data-part="${name}"]`);
}

function inPortions(rows) {
  const portions = [];
  let size = 0;
  for (const row of rows) {
    const last = portions.at(-1);
    if (!last || last.length >= MOST_FILES || size + row.file.size > MOST_BYTES) {
      portions.push([row]);
      size = row.file.size;
    } else {
      last.push(row);
      size += row.file.size;
    }
  }
  return portions;
}

function lineFor(file) {
  const line = document.createElement("li");
  const name = document.createElement("span");
  const words = document.createElement("span");
  name.textContent = file.name;
  words.textContent = "等待";
  line.append(name, words);
  part("list").append(line);
  return { file, line, words, isDone: false, isSent: false };
}

function tell(row, words, isRefused = false) {
  row.words.textContent = words;
  row.line.classList.toggle("is-refused", isRefused);
}

function send(portion, onProgress) {
  return new Promise((resolve, reject) => {
    const body = new FormData();
    for (const row of portion) body.append("upload", row.file, row.file.name);
    const call = new XMLHttpRequest();
    call.open("POST", form.action);
    call.setRequestHeader("Accept", "application/json");
    call.setRequestHeader("X-CSRFToken", csrfToken());
    call.responseType = "json";
    call.upload.addEventListener("progress", (event) => onProgress(event.loaded));
    call.addEventListener("load", () => {
      if (call.status === 200 && call.response?.files) resolve(call.response.files);
      else reject(new Error(call.response?.error?.message || "没有传成，请稍后再传一次。"));
    });
    call.addEventListener("error", () => reject(new Error("连不上服务器，请检查网络后再传一次。")));
    call.send(body);
  });
}

async function sendAll(rows) {
  const total = rows.reduce((sum, row) => sum + row.file.size, 0) || 1;
  let before = 0;
  shown.hidden = false;
  part("again").hidden = true;
  for (const portion of inPortions(rows)) {
    const size = portion.reduce((sum, row) => sum + row.file.size, 0);
    for (const row of portion) tell(row, "正在传…");
    try {
      const told = await send(portion, (sent) => {
        part("bar").value = (100 * (before + Math.min(sent, size))) / total;
      });
      portion.forEach((row, place) => settle(row, told[place]));
    } catch (problem) {
      for (const row of portion) tell(row, problem.message, true);
    }
    before += size;
    part("bar").value = (100 * before) / total;
    count();
  }
  part("look").hidden = false;
  part("again").hidden = all.every((row) => row.isSent);
}

function settle(row, told) {
  row.isSent = true;
  row.isDone = !told.refused;
  if (told.refused) tell(row, told.refused, true);
  else tell(row, told.was_here ? "以前收过" : "已收下");
}

function count() {
  const done = all.filter((row) => row.isDone).length;
  const refused = all.filter((row) => row.isSent && !row.isDone).length;
  const left = all.length - done - refused;
  part("words").textContent =
    `收下 ${done} 个` + (refused ? `，没收 ${refused} 个` : "") + (left ? `，还有 ${left} 个` : "。");
}

const all = [];

function take(files) {
  const rows = [...files].map((file) => lineFor(file));
  all.push(...rows);
  const fit = rows.filter((row) => row.file.size <= LARGEST);
  for (const row of rows) {
    if (row.file.size <= LARGEST) continue;
    row.isSent = true;
    tell(row, "超过 60 MB，请放进收件文件夹，或拆小后再传", true);
  }
  sendAll(fit);
}

if (form) {
  document.querySelector("[data-intake-send]").hidden = true;
  for (const input of form.querySelectorAll("input[type=file]")) {
    input.addEventListener("change", () => {
      take(input.files);
      input.value = "";
    });
  }
  part("again").addEventListener("click", () => sendAll(all.filter((row) => !row.isSent)));
  for (const kind of ["dragover", "dragleave", "drop"]) {
    drop.addEventListener(kind, (event) => {
      event.preventDefault();
      drop.classList.toggle("is-over", kind === "dragover");
      if (kind === "drop") take(event.dataTransfer.files);
    });
  }
}

// 表格：回车、↑、↓ 在同一栏走，Alt+↑ 抄上一行。

const grid = document.querySelector("[data-intake-grid]");

function neighbour(cell, step) {
  const column = [...grid.querySelectorAll(`[data-column="${cell.dataset.column}"]`)];
  return column[column.indexOf(cell) + step];
}

grid?.addEventListener("keydown", (event) => {
  const cell = event.target.closest("[data-column]");
  if (!cell || event.ctrlKey || event.metaKey) return;
  const above = neighbour(cell, -1);
  if (event.altKey) {
    if (event.key !== "ArrowUp" || !above) return;
    event.preventDefault();
    cell.value = above.value;
    return;
  }
  const isPick = cell.matches("select, [type=date]");
  const steps = isPick ? { Enter: 1 } : { Enter: 1, ArrowDown: 1, ArrowUp: -1 };
  const step = steps[event.key];
  if (!step) return;
  event.preventDefault();
  const next = neighbour(cell, step);
  next?.focus();
  next?.select?.();
});

document.querySelector("[data-intake-all]")?.addEventListener("change", (event) => {
  for (const box of grid.querySelectorAll('input[name="file"]')) box.checked = event.target.checked;
});
