// The calendar beside a date: opened by its button or F4, writes 2026-11-23 into the entry.

/** Let dates be picked; `changed` is called after each pick. */
export function bringCalendarsToLife(form, changed) {
  revealIn(form);
  for (const template of form.querySelectorAll("[data-row-template]")) revealIn(template.content);
  form.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-opens-calendar]");
    if (opener) open(opener, changed);
  });
  form.addEventListener("keydown", (event) => {
    const opener = event.key === "F4" && event.target.parentElement?.querySelector("[data-opens-calendar]");
    if (!opener) return;
    event.preventDefault();
    open(opener, changed);
  });
}

function revealIn(root) {
  for (const button of root.querySelectorAll("[data-opens-calendar]")) button.hidden = false;
}

function open(opener, changed) {
  const holder = opener.parentElement;
  const box = holder.querySelector("[data-kind]");
  const picker = holder.querySelector("[data-calendar]") ?? build(holder, box, changed);
  picker.value = /^\d{4}-\d{2}(-\d{2})?$/.test(box.value) ? box.value : "";
  if (picker.showPicker) picker.showPicker();
  else picker.focus();
}

function build(holder, box, changed) {
  const picker = document.createElement("input");
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
  holder.append(picker);
  return picker;
}
