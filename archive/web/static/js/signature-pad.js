// A pad to sign on by pen, finger or mouse; the keyboard's way is to type one's name.
//
//   <div data-signature-pad data-target="signature_png" data-name="陈晓东"></div>
//   <input type="hidden" name="signature_png" id="signature_png">
//   <script type="module" src="…/signature-pad.js"></script>
//
// The hidden input (found by id, else by name in the same form) holds a PNG data URL with a
// transparent background, or "" while nothing is written. The element fires "signature-changed".

const INK = "#111111";
const EXPORT_SCALE = 2; // pixels of the PNG per pixel on the screen
const MAX_EXPORT_WIDTH = 1200;
const MARGIN = 8;
const MIN_WIDTH = 1.6;
const MAX_WIDTH = 4.2;

export class SignaturePad {
  constructor(element) {
    this.element = element;
    this.target = findTarget(element);
    this.strokes = []; // each stroke: points {x, y, width}, in units of the pad's width
    this.typed = "";
    this.build();
    this.listen();
    new ResizeObserver(() => this.resize()).observe(this.canvas);
  }

  get isEmpty() {
    return this.strokes.length === 0 && !this.typed;
  }

  undo() {
    this.strokes.pop();
    this.changed();
  }

  clear() {
    this.strokes = [];
    this.typed = "";
    this.typedInput.value = "";
    this.changed();
  }

  /** Return the signature as a PNG data URL, cropped to the ink; "" when empty. */
  toDataUrl() {
    if (this.isEmpty) return "";
    const width = Math.min(this.width * EXPORT_SCALE, MAX_EXPORT_WIDTH);
    const sheet = document.createElement("canvas");
    sheet.width = Math.round(width);
    sheet.height = Math.round((width * this.height) / this.width);
    this.paint(sheet.getContext("2d"), sheet.width, sheet.height);
    return cropToInk(sheet).toDataURL("image/png");
  }

  build() {
    this.element.classList.add("signature-pad");
    this.canvas = document.createElement("canvas");
    this.canvas.setAttribute("role", "img");
    this.canvas.setAttribute("aria-label", "手写签名区：用手指、笔或鼠标书写；不便手写时请在下方输入姓名");
    const tools = document.createElement("div");
    tools.className = "pad-tools";
    this.undoButton = toolButton("撤销一笔", () => this.undo());
    this.clearButton = toolButton("清空重写", () => this.clear());
    this.typedInput = document.createElement("input");
    this.typedInput.className = "form-control form-control-sm pad-typed";
    this.typedInput.maxLength = 20;
    this.typedInput.autocomplete = "off";
    this.typedInput.placeholder = "不便手写时输入姓名";
    this.typedInput.setAttribute("aria-label", "输入姓名代替手写");
    this.status = document.createElement("span");
    this.status.className = "pad-status";
    this.status.setAttribute("role", "status");
    tools.append(this.undoButton, this.clearButton, this.typedInput, this.status);
    this.element.append(this.canvas, tools);
    this.resize();
    this.changed();
  }

  listen() {
    this.canvas.addEventListener("pointerdown", (event) => this.begin(event));
    this.canvas.addEventListener("pointermove", (event) => this.extend(event));
    for (const name of ["pointerup", "pointercancel"]) {
      this.canvas.addEventListener(name, (event) => this.finish(event));
    }
    this.typedInput.addEventListener("input", () => {
      this.typed = this.typedInput.value.trim();
      this.strokes = [];
      this.changed();
    });
    this.typedInput.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.ctrlKey) event.preventDefault();
    });
    this.element.closest("form")?.addEventListener("reset", () => this.clear());
  }

  begin(event) {
    if (event.button !== 0 || this.pointer !== undefined) return;
    event.preventDefault();
    this.pointer = event.pointerId;
    this.canvas.setPointerCapture(event.pointerId);
    this.typed = "";
    this.typedInput.value = "";
    this.strokes.push([this.point(event, null)]);
    this.draw();
  }

  extend(event) {
    if (event.pointerId !== this.pointer) return;
    event.preventDefault();
    const stroke = this.strokes.at(-1);
    const events = event.getCoalescedEvents?.() ?? [];
    for (const one of events.length ? events : [event]) {
      const next = this.point(one, stroke.at(-1));
      if (Math.hypot(next.x - stroke.at(-1).x, next.y - stroke.at(-1).y) > 0.0015) stroke.push(next);
    }
    this.draw();
  }

  finish(event) {
    if (event.pointerId !== this.pointer) return;
    this.pointer = undefined;
    this.changed();
  }

  /** A point with the pen's width there: thinner when quick, thicker when pressed. */
  point(event, before) {
    const box = this.canvas.getBoundingClientRect();
    const x = (event.clientX - box.left) / box.width;
    const y = (event.clientY - box.top) / box.width;
    const time = event.timeStamp;
    let width = (MIN_WIDTH + MAX_WIDTH) / 2;
    if (event.pointerType === "pen" && event.pressure) {
      width = MIN_WIDTH + (MAX_WIDTH - MIN_WIDTH) * event.pressure;
    } else if (before) {
      const speed = (Math.hypot(x - before.x, y - before.y) * box.width) / Math.max(time - before.time, 1);
      width = Math.max(MIN_WIDTH, MAX_WIDTH - speed * 1.4);
    }
    if (before) width = before.width * 0.7 + width * 0.3;
    return { x, y, width, time };
  }

  resize() {
    const box = this.canvas.getBoundingClientRect();
    if (!box.width) return;
    this.width = box.width;
    this.height = box.height;
    const ratio = window.devicePixelRatio || 1;
    this.canvas.width = Math.round(box.width * ratio);
    this.canvas.height = Math.round(box.height * ratio);
    this.draw();
  }

  draw() {
    const context = this.canvas.getContext("2d");
    context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    if (this.isEmpty) this.paintGuide(context);
    this.paint(context, this.canvas.width, this.canvas.height);
  }

  paintGuide(context) {
    const { width, height } = this.canvas;
    context.strokeStyle = "#d5dae0";
    context.lineWidth = width / 500;
    context.beginPath();
    context.moveTo(width * 0.08, height * 0.74);
    context.lineTo(width * 0.92, height * 0.74);
    context.stroke();
    context.fillStyle = "#8a929d";
    context.font = `${Math.round(width / 30)}px sans-serif`;
    context.textAlign = "center";
    context.textBaseline = "alphabetic";
    context.fillText("在这里书写签名", width / 2, height * 0.9);
  }

  paint(context, width, height) {
    context.fillStyle = context.strokeStyle = INK;
    context.lineCap = context.lineJoin = "round";
    if (this.typed) paintName(context, this.typed, width, height);
    const scale = width / (this.width || width);
    for (const stroke of this.strokes) paintStroke(context, stroke, width, scale);
  }

  changed() {
    this.draw();
    this.undoButton.disabled = this.strokes.length === 0;
    this.clearButton.disabled = this.isEmpty;
    this.status.textContent = this.isEmpty ? "尚未签名" : this.typed ? "已用输入的姓名签名" : "已手写签名";
    if (this.target) this.target.value = this.toDataUrl();
    this.element.dispatchEvent(
      new CustomEvent("signature-changed", { bubbles: true, detail: { isEmpty: this.isEmpty } }),
    );
  }
}

function findTarget(element) {
  const name = element.dataset.target;
  return document.getElementById(name) ?? element.closest("form")?.elements.namedItem(name) ?? null;
}

function toolButton(label, act) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "btn btn-sm btn-outline-secondary";
  button.textContent = label;
  button.addEventListener("click", act);
  return button;
}

/** Paint a stroke as short curves through the midpoints, each as wide as the pen was there. */
function paintStroke(context, points, unit, scale) {
  const at = (point) => [point.x * unit, point.y * unit];
  if (points.length === 1) {
    const [x, y] = at(points[0]);
    context.beginPath();
    context.arc(x, y, points[0].width * scale * 0.6, 0, 2 * Math.PI);
    context.fill();
    return;
  }
  let [fromX, fromY] = at(points[0]);
  for (let n = 1; n < points.length; n += 1) {
    const [x, y] = at(points[n - 1]);
    const [nextX, nextY] = at(points[n]);
    const isLast = n === points.length - 1;
    const toX = isLast ? nextX : (x + nextX) / 2;
    const toY = isLast ? nextY : (y + nextY) / 2;
    context.lineWidth = points[n].width * scale;
    context.beginPath();
    context.moveTo(fromX, fromY);
    context.quadraticCurveTo(x, y, toX, toY);
    context.stroke();
    [fromX, fromY] = [toX, toY];
  }
}

function paintName(context, name, width, height) {
  const family = '"Kaiti SC", "STKaiti", "KaiTi", "LXGW WenKai", "AR PL UKai CN", cursive, serif';
  let size = height * 0.55;
  context.font = `${size}px ${family}`;
  const fits = (width * 0.86) / context.measureText(name).width;
  if (fits < 1) size *= fits;
  context.font = `${size}px ${family}`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillText(name, width / 2, height / 2);
}

/** Return a copy of the sheet cut down to its ink, with a small margin. */
function cropToInk(sheet) {
  const { width, height } = sheet;
  const pixels = sheet.getContext("2d").getImageData(0, 0, width, height).data;
  let [left, top, right, bottom] = [width, height, -1, -1];
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      if (pixels[(y * width + x) * 4 + 3] === 0) continue;
      if (x < left) left = x;
      if (x > right) right = x;
      if (y < top) top = y;
      if (y > bottom) bottom = y;
    }
  }
  if (right < 0) return sheet;
  const cut = document.createElement("canvas");
  cut.width = right - left + 1 + 2 * MARGIN;
  cut.height = bottom - top + 1 + 2 * MARGIN;
  cut.getContext("2d").drawImage(sheet, MARGIN - left, MARGIN - top);
  return cut;
}

for (const element of document.querySelectorAll("[data-signature-pad]")) new SignaturePad(element);
