// The entry page: wires entries, tables, autosave, conflict, preview and submitting together.

import { announce } from "/static/js/app.js";
import { Autosave } from "./autosave.js";
import { chooseBetween } from "./conflict.js";
import { readValues, showComputed, showEchoes, showMessages, writeValues } from "./entries.js";
import { Preview } from "./preview.js";
import { bringToLife, setRowCount } from "./rows.js";

const form = document.getElementById("entry-form");
const { state, facts, labels, conflict: cameBack } = JSON.parse(document.getElementById("entry-state").textContent);
const stateLine = form.querySelector("[data-save-state]");
const problems = form.querySelector("[data-problems]");
let latest = state;
let wantsToSubmit = false;

const preview = new Preview(form);
const autosave = new Autosave({
  url: form.dataset.autosaveUrl,
  entriesUrl: form.dataset.entriesUrl,
  storageKey: `archive:draft:${form.dataset.user}:${form.dataset.record}`,
  version: Number(form.dataset.version),
  read: () => readValues(form),
  told: tellState,
  saved: take,
  conflict: settleConflict,
});

bringToLife(form, changed);
for (const box of form.querySelectorAll("[data-grows]")) grow(box);
for (const button of form.querySelectorAll("[data-opens-calendar]")) button.hidden = false;
form.addEventListener("input", (event) => {
  if (event.target.matches("[data-grows]")) grow(event.target);
  if (!event.isComposing) {
    keepToOneLine(event.target);
    changed();
  }
});
form.addEventListener("change", changed);
form.addEventListener("compositionend", changed);
form.addEventListener("customer-picked", (event) => fillFacts(event.detail));
form.addEventListener("click", onClick);
form.addEventListener("submit", onSubmit);
form.addEventListener("keydown", onKey);
restore();

function changed() {
  showEchoes(form);
  autosave.touch();
}

function take(answer) {
  latest = answer;
  form.elements.version.value = answer.version;
  document.querySelector("#submit-form [name=version]").value = answer.version;
  showComputed(form, answer.shown);
  showMessages(form, answer.errors, answer.warnings);
  if (wantsToSubmit || !problems.hidden) listProblems();
  preview.renew(answer.version);
}

function tellState(kind, words) {
  stateLine.dataset.kind = kind;
  if (kind === "waiting") stateLine.textContent = "还没保存…";
  else stateLine.textContent = words;
}

// What the browser kept but the server never got: put it back, or ask when both have changed.
async function restore() {
  const kept = autosave.kept();
  if (cameBack) {
    autosave.acknowledged = "";
    return;
  }
  if (!kept || JSON.stringify(kept.values) === JSON.stringify(readValues(form))) {
    autosave.forget();
    return;
  }
  if (kept.version === autosave.version) {
    put(kept.values);
    tellState("waiting", "");
    announce("已恢复上次没来得及保存的内容");
  } else {
    const chosen = await settleConflict(kept.values, latest);
    if (!chosen) autosave.forget();
  }
  autosave.flush();
}

async function settleConflict(mine, theirs, base) {
  const chosen = await chooseBetween(mine, theirs, labels, base);
  if (chosen) put(chosen);
  return chosen;
}

function put(values) {
  writeValues(form, values, setRowCount);
  showEchoes(form);
  for (const box of form.querySelectorAll("[data-grows]")) grow(box);
}

// A known customer brings its facts along, but never over something typed.
function fillFacts(customer) {
  const filled = [];
  for (const [key, fact] of Object.entries(facts)) {
    const box = form.querySelector(`[data-entry="${CSS.escape(key)}"]`);
    if (!box || box.value.trim() || !customer[fact]) continue;
    box.value = customer[fact];
    box.classList.add("is-brought");
    filled.push(labels[key] ?? key);
  }
  if (filled.length) announce(`已带入：${filled.join("、")}`);
  changed();
}

function onClick(event) {
  const opener = event.target.closest("[data-opens-calendar]");
  const flushed = event.target.closest("[data-flush]");
  const link = event.target.closest("[data-goto]");
  if (opener) openCalendar(opener);
  if (link) {
    event.preventDefault();
    goTo(link.dataset.goto);
  }
  if (flushed && autosave.isDirty) {
    event.preventDefault();
    autosave.flush().then((isSaved) => isSaved && location.assign(flushed.href));
  }
}

// Enter in a one-line entry goes to the next entry, as on a typewriter; it never sends the form.
function onKey(event) {
  const box = event.target;
  if (event.key !== "Enter" || event.defaultPrevented || event.isComposing) return;
  if (event.ctrlKey || event.metaKey || !(box.tagName === "INPUT" || box.matches("[data-kind=text]"))) return;
  event.preventDefault();
  const boxes = [...form.querySelectorAll("[data-entry], [data-column]")].filter(
    (one) => one.tagName !== "SPAN" && one.type !== "hidden",
  );
  boxes[boxes.indexOf(box) + (event.shiftKey ? -1 : 1)]?.focus();
}

async function onSubmit(event) {
  event.preventDefault();
  const isSubmit = event.submitter?.value === "submit";
  const isSaved = await autosave.flush();
  if (!isSaved) return;
  if (!isSubmit) {
    announce("已保存");
    return;
  }
  wantsToSubmit = true;
  if (listProblems()) {
    problems.focus();
    problems.scrollIntoView({ block: "nearest" });
    return;
  }
  document.getElementById("submit-form").submit();
}

// Everything that keeps the record from being submitted, in the order of the page.
function listProblems() {
  const found = { ...latest.errors, ...(wantsToSubmit ? latest.missing : {}) };
  const paths = Object.keys(found).sort(inPaperOrder);
  problems.hidden = paths.length === 0;
  problems.querySelector("[data-problems-head]").textContent =
    `还有 ${paths.length} 处要填好或改正${wantsToSubmit ? "，才能提交" : ""}：`;
  problems.querySelector("[data-problems-list]").replaceChildren(
    ...paths.map((path) => {
      const item = document.createElement("li");
      const link = document.createElement("a");
      link.href = `#f-${path}`;
      link.dataset.goto = path;
      link.textContent = placeOf(path);
      item.append(link, `：${found[path]}`);
      return item;
    }),
  );
  if (wantsToSubmit) showMessages(form, found, latest.warnings);
  return paths.length;
}

function inPaperOrder(one, other) {
  const [first, second] = [one, other].map((path) => document.getElementById(`f-${path}`));
  if (!first || !second) return 0;
  return first.compareDocumentPosition(second) & Node.DOCUMENT_POSITION_FOLLOWING ? -1 : 1;
}

function placeOf(path) {
  const match = /^([^[]+)\[(\d+)\]\.?(.*)$/.exec(path);
  if (!match) return labels[path] ?? path;
  return [labels[match[1]] ?? match[1], `第${Number(match[2]) + 1}行`, labels[`${match[1]}.${match[3]}`] ?? match[3]]
    .filter(Boolean)
    .join(" ");
}

function goTo(path) {
  const box = document.getElementById(`f-${path}`) ?? document.getElementById(`f-${path.split("[")[0]}`);
  box?.scrollIntoView({ block: "center" });
  (box?.matches("input, textarea, select") ? box : box?.querySelector("input, textarea, select, button"))?.focus();
}

function openCalendar(opener) {
  const box = opener.parentElement.querySelector("[data-kind]");
  let picker = opener.parentElement.querySelector("[data-calendar]");
  if (!picker) {
    picker = document.createElement("input");
    picker.type = box.dataset.kind;
    picker.dataset.calendar = "";
    picker.className = "entry-calendar";
    picker.tabIndex = -1;
    picker.setAttribute("aria-hidden", "true");
    picker.addEventListener("change", () => {
      if (!picker.value) return;
      box.value = picker.value;
      box.focus();
      changed();
    });
    picker.addEventListener("input", (event) => event.stopPropagation());
    opener.parentElement.append(picker);
  }
  picker.value = /^\d{4}-\d{2}(-\d{2})?$/.test(box.value) ? box.value : "";
  if (picker.showPicker) picker.showPicker();
  else picker.focus();
}

// A one-line entry wraps on the screen as on paper, but holds no line breaks of its own.
function keepToOneLine(box) {
  if (!box.matches("[data-kind=text]") || !/[\r\n]/.test(box.value)) return;
  const at = box.selectionEnd;
  box.value = box.value.replace(/[\r\n]+/g, " ");
  box.setSelectionRange(at, at);
}

function grow(box) {
  if (CSS.supports("field-sizing", "content")) return;
  box.style.height = "auto";
  box.style.height = `${box.scrollHeight + 2}px`;
}
