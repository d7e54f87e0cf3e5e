// What every page needs: posting JSON with the CSRF token, asking before a grave act, shortcuts.
// Other modules import from here: import { postJson, announce } from "/static/js/app.js".

/** The CSRF token of this page. */
export function csrfToken() {
  return document.querySelector('meta[name="csrf-token"]')?.content ?? "";
}

/** A refusal of the server: `message` for people, `fields` per entry, `status`. */
export class Refused extends Error {
  constructor(status, error) {
    super(error?.message || "没有做成，请稍后重试。");
    this.status = status;
    this.code = error?.code ?? "";
    this.fields = error?.fields ?? {};
  }
}

/** Post JSON; return the parsed answer or throw Refused. */
export async function postJson(url, body, { method = "POST", signal } = {}) {
  let response;
  try {
    response = await fetch(url, {
      method,
      signal,
      credentials: "same-origin",
      headers: {
        "Content-Type": "application/json",
        Accept: "application/json",
        "X-CSRFToken": csrfToken(),
      },
      body: JSON.stringify(body),
    });
  } catch (problem) {
    if (problem.name === "AbortError") throw problem;
    throw new Refused(0, { message: "连不上服务器，请检查网络后重试。" });
  }
  const answer = await readJson(response);
  if (!response.ok) throw new Refused(response.status, answer?.error);
  return answer;
}

/** Get JSON; return the parsed answer or throw Refused. */
export async function getJson(url, { signal } = {}) {
  const response = await fetch(url, {
    signal,
    credentials: "same-origin",
    headers: { Accept: "application/json" },
  });
  const answer = await readJson(response);
  if (!response.ok) throw new Refused(response.status, answer?.error);
  return answer;
}

/** Ask a yes-or-no question in a dialog; resolves to true or false. */
export function ask(question, { yes = "确定", no = "取消", danger = false } = {}) {
  const dialog = document.createElement("dialog");
  dialog.className = "ask";
  const text = document.createElement("p");
  text.textContent = question;
  const form = document.createElement("form");
  form.method = "dialog";
  form.className = "form-actions";
  form.append(
    dialogButton(no, "no", "btn-outline-secondary"),
    dialogButton(yes, "yes", danger ? "btn-danger" : "btn-primary"),
  );
  dialog.append(text, form);
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      resolve(dialog.returnValue === "yes");
      dialog.remove();
    });
  });
}

/** Read a short message out to screen readers (and show it nowhere). */
export function announce(message) {
  let region = document.getElementById("announcer");
  if (!region) {
    region = document.createElement("div");
    region.id = "announcer";
    region.className = "visually-hidden";
    region.setAttribute("role", "status");
    document.body.append(region);
  }
  region.textContent = message;
}

async function readJson(response) {
  const type = response.headers.get("Content-Type") ?? "";
  if (!type.includes("json")) {
    if (response.redirected || response.status === 401) {
      throw new Refused(401, { message: "登录已过期，请在新窗口登录后再试；本页内容不会丢。" });
    }
    return null;
  }
  return response.json();
}

function dialogButton(label, value, look) {
  const button = document.createElement("button");
  button.className = `btn ${look}`;
  button.value = value;
  button.textContent = label;
  return button;
}

// Buttons with data-confirm ask first, then submit with their own name and value.
async function confirmFirst(event) {
  const button = event.target.closest?.("[data-confirm]");
  if (!button || button.dataset.confirmed) return;
  event.preventDefault();
  event.stopPropagation();
  const danger = button.className.includes("danger");
  const agreed = await ask(button.dataset.confirm, { yes: button.textContent.trim() || "确定", danger });
  if (!agreed) {
    button.focus();
    return;
  }
  button.dataset.confirmed = "yes";
  if (button.form) button.form.requestSubmit(button);
  else button.click();
  delete button.dataset.confirmed;
}

const SEND_AGAIN_AFTER_MS = 8000;

// A form is sent once: a second click while the first is on its way does nothing.
function sendOnce(event) {
  const form = event.target;
  if (event.defaultPrevented || form.method === "dialog" || form.method === "get") return;
  if (form.target && form.target !== "_self") return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "yes";
  form.setAttribute("aria-busy", "true");
  setTimeout(() => release(form), SEND_AGAIN_AFTER_MS); // an answer may be a download
}

function release(form) {
  delete form.dataset.sent;
  form.removeAttribute("aria-busy");
}

// "/" goes to the search box; Ctrl+Enter sends the form one is in.
function onKey(event) {
  const typing = event.target.closest?.("input, textarea, select, [contenteditable]");
  if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
    const box = document.querySelector('[data-shortcut="/"]');
    if (box) {
      event.preventDefault();
      box.focus();
      box.select();
    }
  }
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && typing?.form) {
    event.preventDefault();
    typing.form.requestSubmit();
  }
}

document.addEventListener("click", confirmFirst, true);
document.addEventListener("submit", sendOnce);
document.addEventListener("keydown", onKey);
window.addEventListener("pageshow", () => {
  document.querySelectorAll("form[data-sent]").forEach(release);
});

// After a refused form, go to the first wrong entry. Filters send themselves when a choice changes.
document.querySelector(".is-invalid")?.focus();
for (const select of document.querySelectorAll("form[data-auto-submit] select")) {
  select.addEventListener("change", () => select.form.requestSubmit());
}
