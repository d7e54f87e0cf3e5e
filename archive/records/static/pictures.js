// Picture entries: choose a file, see it at once, upload it; the entry holds its digest.

import { announce, csrfToken } from "/static/js/app.js";
import { readBox } from "./entries.js";

const MOST_BYTES = 5 * 1024 * 1024;

/** Bring the picture entries to life; `changed` is called when one holds another picture. */
export function bringPicturesToLife(form, changed) {
  const url = form.dataset.picturesUrl;
  reveal(form);
  for (const template of form.querySelectorAll("[data-row-template]")) reveal(template.content);
  form.addEventListener("change", (event) => {
    const file = event.target.closest("[data-picture-file]");
    if (!file) return;
    event.stopPropagation();
    upload(file, url, changed);
  });
  form.addEventListener("click", (event) => {
    if (!event.target.closest("[data-picture-remove]")) return;
    set(event.target.closest("[data-kind=image]"), "", "");
    changed();
  });
  form.addEventListener("picture-set", (event) => {
    const digest = readBox(event.target);
    set(event.target, digest, digest && `${url}/${digest}`);
  });
}

function reveal(root) {
  for (const box of root.querySelectorAll("[data-kind=image]")) {
    box.querySelector("[data-picture-pick]").hidden = false;
    box.querySelector("[data-picture-remove]").hidden = !readBox(box);
  }
}

async function upload(input, url, changed) {
  const box = input.closest("[data-kind=image]");
  const file = input.files[0];
  input.value = "";
  if (!file) return;
  if (file.size > MOST_BYTES) {
    complain(box, "图片超过 5 MB，请缩小后再上传");
    return;
  }
  const body = new FormData();
  body.append("picture", file);
  box.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(url, {
      method: "POST",
      body,
      credentials: "same-origin",
      headers: { Accept: "application/json", "X-CSRFToken": csrfToken() },
    });
    const isJson = (answer.headers.get("Content-Type") ?? "").includes("json");
    const told = isJson ? await answer.json() : null;
    if (!answer.ok || !told?.sha256) {
      complain(box, told?.error?.message ?? refusals[answer.status] ?? "没有传上去，请再试一次");
      return;
    }
    complain(box, "");
    set(box, told.sha256, URL.createObjectURL(file));
    announce("图片已上传");
    changed();
  } catch {
    complain(box, "没连上服务器，图片没有传上去，请稍后再试");
  } finally {
    box.removeAttribute("aria-busy");
  }
}

const refusals = {
  404: "这份文件已不在，或您无权再改",
  409: "这份文件现在不能改",
  413: "图片太大，请缩小后再上传",
  422: "这个文件不是能打开的图片，请上传 PNG 或 JPEG",
};

function set(box, digest, source) {
  const image = box.querySelector("[data-picture-shown]");
  box.querySelector("[data-picture-digest]").value = digest;
  image.hidden = !source;
  if (source) image.src = source;
  box.querySelector("[data-picture-word]").textContent = digest ? "换一张" : "选图片";
  box.querySelector("[data-picture-remove]").hidden = !digest;
}

function complain(box, words) {
  const place = document.getElementById(box.id.replace(/^f-/, "m-"));
  if (!place) return;
  place.textContent = words;
  place.classList.toggle("is-error", Boolean(words));
}
