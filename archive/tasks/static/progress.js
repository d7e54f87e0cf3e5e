// The live bar of a task: asks each second how far it is; a slow or lost answer is waited out.
import { getJson } from "/static/js/app.js";

const PAUSE = 1000;
const LONGEST_PAUSE = 10000;
const panel = document.querySelector("[data-task][data-live]");

/** Seconds as people say them. */
function inWords(seconds) {
  if (seconds < 60) return `约 ${Math.max(1, Math.round(seconds))} 秒`;
  return `约 ${Math.ceil(seconds / 60)} 分钟`;
}

if (panel) {
  const part = (name) => panel.querySelector(`[data-part="${name}"]`);
  const seen = [];
  let pause = PAUSE;

  /** How long it may still take, by the last half minute. */
  const timeLeft = (task) => {
    seen.push({ at: Date.now(), done: task.done });
    while (seen.length > 30) seen.shift();
    const first = seen[0];
    const speed = (task.done - first.done) / (Date.now() - first.at);
    return speed > 0 ? `，还要${inWords((task.total - task.done) / speed / 1000)}` : "";
  };

  const show = (task) => {
    part("bar").value = task.percent;
    part("count").textContent = task.total ? `${task.done} / ${task.total}` : "";
    part("left").textContent = task.state === "running" && task.total ? timeLeft(task) : "";
    part("message").textContent = task.message;
    const badge = part("state").firstElementChild;
    if (badge) badge.textContent = task.state_label;
  };

  const ask = async () => {
    try {
      const task = await getJson(panel.dataset.task);
      show(task);
      if (task.ended) {
        if (task.state === "done" && task.next) window.location.assign(task.next);
        else window.location.reload();
        return;
      }
      pause = PAUSE;
    } catch (refusal) {
      if (refusal.status === 401 || refusal.status === 404) {
        window.location.reload();
        return;
      }
      part("message").textContent = "一时连不上服务器，任务仍在后台进行，稍后自动重试。";
      pause = Math.min(pause * 2, LONGEST_PAUSE);
    }
    window.setTimeout(ask, pause);
  };
  ask();
}
