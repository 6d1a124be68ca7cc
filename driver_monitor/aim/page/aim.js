"use strict";

const MARKS = { good: "✓", fair: "✓", bad: "✗", unknown: "…" };
const STATES = { good: "good", fair: "it works", bad: "change this", unknown: "not known yet" };
const SILENCE_MS = 3000;
const AGAIN_MS = 1000;
const TEXT_PX = 20;

const byId = (id) => document.getElementById(id);
const canvas = byId("picture");
const context = canvas.getContext("2d");
const night = byId("night");
const beep = byId("beep");

let message = null;
let socket = null;
let over = false;
let heard = Date.now();

function setText(element, text) {
  // Only a change is written: a screen reader would read each one.
  if (element.textContent !== text) element.textContent = text;
}

function showHeadline(state, title, words) {
  byId("headline").className = state;
  setText(byId("title"), `${MARKS[state]} ${title}`);
  setText(byId("words"), words);
}

function showChecks(checks) {
  const list = byId("checks");
  while (list.children.length < checks.length) {
    const item = document.createElement("li");
    item.append(document.createElement("b"), document.createElement("span"));
    list.append(item);
  }
  checks.forEach((check, index) => {
    const [title, words] = list.children[index].children;
    list.children[index].dataset.name = check.name;
    list.children[index].dataset.state = check.state;
    setText(title, `${MARKS[check.state]} ${check.title}: ${STATES[check.state]}`);
    setText(words, check.state === "unknown" ? "" : check.words);
  });
}

function clock(seconds) {
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

function end(why) {
  over = true;
  clearPicture("");
  byId("checks").replaceChildren();
  setText(byId("told"), "");
  night.disabled = beep.disabled = true;
  setText(byId("notice"), "No picture is shown any more. None was stored.");
  setText(byId("time"), "Ended");
  showHeadline("unknown", "Ended", `${why} To go on, start driver-monitor aim again and open its new address.`);
}

function show(next) {
  message = next;
  if (next.ended === "time") return end("The 15 minutes are over.");
  if (next.ended !== null) return end("driver-monitor aim was stopped.");
  const left = next.left_s <= 60 ? `Ends in ${clock(next.left_s)}: soon` : `Ends in ${clock(next.left_s)}`;
  setText(byId("time"), left);
  const chosen = night.getAttribute("aria-pressed") === "true" ? next.night : next.headline;
  showHeadline(chosen.state, chosen.title, chosen.words);
  showChecks(next.checks);
  if (next.told !== null) {
    setText(byId("told"), next.told);
    beep.disabled = false;
  }
  if (!next.picture) clearPicture("No picture");
}

function clearPicture(text) {
  context.fillStyle = "#222";
  context.fillRect(0, 0, canvas.width, canvas.height);
  write(text, canvas.width / 2, canvas.height / 2, "center");
}

function pixel() {
  // The picture is scaled to the screen; text and lines must have the same size on each.
  return canvas.width / canvas.clientWidth;
}

function write(text, x, y, align) {
  context.font = `bold ${TEXT_PX * pixel()}px system-ui, sans-serif`;
  context.textAlign = align;
  context.lineWidth = 5 * pixel();
  context.strokeStyle = "#000";
  context.strokeText(text, x, y);
  context.fillStyle = "#fff";
  context.fillText(text, x, y);
}

function stroke(dashed, path) {
  for (const [color, width] of [["#000", 4], ["#ffe600", 2]]) {
    context.strokeStyle = color;
    context.lineWidth = width * pixel();
    context.setLineDash(dashed ? [8 * pixel(), 6 * pixel()] : []);
    context.beginPath();
    path();
    context.stroke();
  }
  context.setLineDash([]);
}

function draw(image, seen) {
  canvas.width = image.width;
  canvas.height = image.height;
  context.drawImage(image, 0, 0);
  if (seen.box === null) return;
  const factor = image.width / seen.size[0];
  const [x, y, w, h] = seen.box.map((value) => value * factor);
  stroke(false, () => context.rect(x, y, w, h));
  seen.eyes.forEach((eye, index) => {
    stroke(!eye.read, () => {
      eye.points.forEach(([px, py]) => context.lineTo(px * factor, py * factor));
      context.closePath();
    });
    // The driver's right eye comes first, and is on the left of the picture.
    const [side, align] = index === 0 ? [-8, "right"] : [8, "left"];
    write(eye.words, x + w / 2 + side, Math.max(y - 12, 36), align);
  });
}

async function take(event) {
  heard = Date.now();
  if (over) return;
  if (typeof event.data === "string") return show(JSON.parse(event.data));
  const seen = message;
  const image = await createImageBitmap(new Blob([event.data], { type: "image/jpeg" }));
  if (!over && message !== null && message.picture) draw(image, seen);
  image.close();
}

function connect() {
  socket = new WebSocket(`ws://${location.host}/live`);
  socket.binaryType = "arraybuffer";
  socket.onmessage = take;
  socket.onclose = () => {
    if (!over) setTimeout(connect, AGAIN_MS);
  };
}

night.onclick = () => {
  const pressed = night.getAttribute("aria-pressed") !== "true";
  night.setAttribute("aria-pressed", String(pressed));
  if (message !== null && !over) show({ ...message, told: null });
};

beep.onclick = () => {
  if (socket.readyState !== WebSocket.OPEN) return;
  beep.disabled = true;
  socket.send("beep");
};

setInterval(() => {
  if (over || Date.now() - heard < SILENCE_MS) return;
  clearPicture("No picture");
  message = null;
  byId("checks").replaceChildren();
  setText(byId("told"), "");
  setText(byId("time"), "");
  beep.disabled = false;
  showHeadline("bad", "No connection", "This page hears nothing from driver-monitor aim. Does it still run? Is the " +
    "phone still in its network? The page goes on by itself.");
}, 500);

connect();
