// Suggests people while a name or number is typed; a field for many completes its last name.
import { getJson } from "/static/js/app.js";

const PAUSE = 200;

function lastName(text) {
  return text.split(/[,，、；;]/).pop().trim();
}

async function suggest(input) {
  const asked = input.hasAttribute("data-many") ? lastName(input.value) : input.value.trim();
  if (!asked || asked === input.dataset.asked) return;
  input.dataset.asked = asked;
  let found;
  try {
    found = await getJson(`${input.dataset.people}?q=${encodeURIComponent(asked)}`);
  } catch {
    return; // suggestions are a help; typing goes on without them
  }
  const before = input.value.slice(0, input.value.length - lastName(input.value).length);
  const kept = input.hasAttribute("data-many") ? before : "";
  input.list.replaceChildren(
    ...found.map(({ value, label }) => {
      const option = document.createElement("option");
      option.value = kept + value;
      option.label = `${value} ${label}`;
      return option;
    }),
  );
}

for (const input of document.querySelectorAll("[data-people]")) {
  let timer;
  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => suggest(input), PAUSE);
  });
}
