// The entry page: wires entries, tables, autosave, conflict, preview and submitting together.

import { announce } from "/static/js/app.js";
import { Autosave } from "./autosave.js";
import { bringCalendarsToLife } from "./calendar.js";
import { chooseBetween } from "./conflict.js";
import { chooseEarlier } from "./earlier.js";
import { boxAt, inputOf, readBox, readValues, showComputed, showEchoes, showMessages, writeBox, writeValues } from "./entries.js";
import { Facts } from "./facts.js";
import { bringPicturesToLife } from "./pictures.js";
import { Preview } from "./preview.js";
import { Problems } from "./problems.js";
import { bringToLife, setRowCount } from "./rows.js";

const form = document.getElementById("entry-form");
const given = JSON.parse(document.getElementById("entry-state").textContent);
const { state, labels } = given;
const stateLine = form.querySelector("[data-save-state]");
const loginLink = form.querySelector("[data-login]");
let latest = state;

const preview = new Preview(form);
const problems = new Problems(form, labels);
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
bringPicturesToLife(form, changed);
bringCalendarsToLife(form, changed);
new Facts(form, { ...given, changed });
for (const box of form.querySelectorAll("[data-grows]")) grow(box);
form.addEventListener("input", (event) => {
  if (event.target.matches("[data-grows]")) grow(event.target);
  if (!event.isComposing) {
    keepToOneLine(event.target);
    changed();
  }
});
form.addEventListener("change", changed);
form.addEventListener("compositionend", changed);
form.addEventListener("click", onClick);
form.addEventListener("submit", onSubmit);
form.addEventListener("keydown", onKey);
restore();

function changed() {
  showEchoes(form);
  autosave.touch();
}

// An answer to a save. What the server brought along (last year's figures) goes into its boxes,
// and into `sent`, unless something else was typed there meanwhile.
function take(answer, sent) {
  latest = answer;
  for (const field of document.querySelectorAll("#entry-form [name=version], #submit-form [name=version]")) {
    field.value = answer.version;
  }
  for (const [path, value] of Object.entries(answer.brought ?? {})) bring(path, value, sent);
  for (const [table, words] of Object.entries(answer.notes ?? {})) {
    const note = form.querySelector(`[data-note="${CSS.escape(table)}"]`);
    if (note) note.textContent = words;
  }
  showComputed(form, answer.shown);
  showMessages(form, answer.errors, answer.warnings);
  problems.renew(answer);
  preview.renew(answer.version);
}

function bring(path, value, sent) {
  const [, table, row, column] = /^(.+)\[(\d+)\]\.(.+)$/.exec(path) ?? [];
  const line = sent[table]?.[Number(row)];
  const box = boxAt(form, path);
  if (!line || !box || readBox(box) !== line[column] || box === document.activeElement) return;
  writeBox(box, value);
  line[column] = value;
  box.classList.add("is-brought");
}

function tellState(kind, words) {
  stateLine.parentElement.dataset.kind = kind;
  stateLine.textContent = kind === "waiting" ? "还没保存…" : words;
  loginLink.hidden = kind !== "signed-out";
}

// What the browser kept but the server never got: put it back, or ask when both have changed.
async function restore() {
  const kept = autosave.kept();
  if (given.conflict) {
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
    const chosen = await settleConflict(kept.values, latest, kept.base ?? null);
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

// Entries of an earlier record: into blank entries, or all; with a way back.
function takeEarlier(values, isAll, title) {
  const before = readValues(form);
  const chosen = Object.entries(values).filter(([key]) => key in before && (isAll || isBlank(before[key])));
  put(Object.fromEntries(chosen));
  changed();
  const undo = document.createElement("button");
  undo.type = "button";
  undo.className = "btn btn-sm btn-link";
  undo.textContent = "撤销";
  undo.addEventListener("click", () => {
    put(before);
    changed();
    place.hidden = true;
  });
  const place = form.querySelector("[data-earlier-told]");
  place.hidden = false;
  place.replaceChildren(`已照《${title}》填了 ${chosen.length} 栏，请核对。`, undo);
}

function isBlank(value) {
  if (Array.isArray(value)) return value.every((one) => (typeof one === "object" ? isBlankRow(one) : !one));
  return value === false || String(value ?? "").trim() === "";
}

function isBlankRow(row) {
  return Object.values(row).every((cell) => isBlank(cell));
}

function onClick(event) {
  const flushed = event.target.closest("[data-flush]");
  if (event.target.closest("[data-earlier-open]")) {
    event.preventDefault();
    chooseEarlier(form.dataset.earlierUrl, takeEarlier);
  }
  if (event.target.matches("[data-kind=tick] input[type=radio]")) unchoose(event.target);
  if (flushed && autosave.isDirty) {
    event.preventDefault();
    autosave.flush().then((isSaved) => isSaved && location.assign(flushed.href));
  }
}

// A choice clicked again, or Delete on it, is taken back: on paper a tick can be struck out too.
let chosenBefore = null;
form.addEventListener("pointerdown", (event) => {
  const radio = event.target.closest("label")?.querySelector("input[type=radio]") ?? event.target;
  chosenBefore = radio.type === "radio" && radio.checked ? radio : null;
});

function unchoose(radio) {
  if (radio !== chosenBefore) return;
  chosenBefore = null;
  radio.checked = false;
  changed();
}

// Enter in a one-line entry goes to the next entry, as on a typewriter; it never sends the form.
function onKey(event) {
  const input = event.target;
  if (event.isComposing) return;
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "s") {
    event.preventDefault();
    saveNow();
  } else if ((event.key === "Delete" || event.key === "Backspace") && input.type === "radio" && input.checked) {
    event.preventDefault();
    input.checked = false;
    changed();
  } else if (event.key === "Enter" && !event.defaultPrevented && !event.ctrlKey && !event.metaKey) {
    if (input.type === "file" || !(input.tagName === "INPUT" || input.matches("[data-kind=text]"))) return;
    event.preventDefault();
    step(input.closest("[data-entry], [data-column]"), event.shiftKey ? -1 : 1);
  }
}

function step(box, by) {
  const boxes = [...form.querySelectorAll("[data-entry], [data-column]")].filter((one) => one.type !== "hidden");
  const next = boxes[boxes.indexOf(box) + by];
  if (next) inputOf(next).focus();
}

async function saveNow() {
  if (await autosave.flush()) announce("已保存");
}

async function onSubmit(event) {
  event.preventDefault();
  if (event.submitter?.value !== "submit") {
    await saveNow();
    return;
  }
  if (!(await autosave.flush()) || problems.listAll(latest)) return;
  document.getElementById("submit-form").submit();
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
