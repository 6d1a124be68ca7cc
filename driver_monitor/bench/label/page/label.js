import { KEYS, OTHERS, TYPES, actionOf } from "/keys.js";
import { Pictures } from "/pictures.js";
import { Timeline } from "/timeline.js";

const SPEEDS = [0.1, 0.25, 0.5, 1, 2, 4];
const STRIP = 9;
const AHEAD = 24;
const AGAIN_MS = 1000;
const OPPOSITE = { left: "right", right: "left", up: "down", down: "up" };

const byId = (id) => document.getElementById(id);
const stage = byId("stage");
const picture = byId("picture");
const timeline = new Timeline(byId("detail"), byId("overview"));

// What the page shows. `events`, `reviewed`, `suggestions` come from the server; all else is of this tab.
const view = {
  clip: 0, frame: 0, frames: 0, fps: 1, t: [], signals: null, events: [], reviewed: [], suggestions: [], begin: null,
  type: TYPES[0][1], direction: null, chosen: null, zoom: false, hidden: false,
};
let state = null;
let facts = null;
let pictures = null;
let socket = null;
let over = false;
let edits = [];
let waiting = null;
let before = new Set();
// Whether the user has chosen something since the edit was sent: then the new label must not take its place.
let wentOn = false;
let numbers = 0;
let drawn = false;
let playing = null;
let speed = 3;

function setText(element, text) {
  // Only a change is written: a screen reader would read each one.
  if (element.textContent !== text) element.textContent = text;
}

function hint(text) {
  setText(byId("hint"), text);
}

// ---- the server ----

function connect() {
  const clip = view.clip;
  socket = new WebSocket(`ws://${location.host}/live/${clip}`);
  socket.onmessage = ({ data }) => {
    if (clip === view.clip) take(JSON.parse(data));
  };
  socket.onclose = () => {
    if (clip !== view.clip || over) return;
    const lost = edits.length + (waiting === null ? 0 : 1);
    [edits, waiting] = [[], null];
    saved("No connection: nothing can be changed. Start driver-monitor label again and open its new address.", true);
    if (lost) hint("The last change may be lost: look when there is a connection again.");
    setTimeout(() => clip === view.clip && !over && connect(), AGAIN_MS);
  };
}

async function take(message) {
  if (message.preparing) {
    const [what, done, total] = message.preparing;
    saved(`${what}: ${done}${total ? ` of ${total}` : ""} frames`);
    return;
  }
  if (message.failed || message.ended) {
    over = true;
    saved(message.failed ?? "driver-monitor label has been ended.", true);
    return;
  }
  const mine = message.answer !== undefined && message.answer === waiting;
  if (mine) waiting = null;
  if (message.refused) {
    edits = [];
    hint(message.refused);
    if (byId("facts").open) setText(byId("facts-refused"), message.refused);
  }
  show(message.state);
  const added = mine && !message.refused ? view.events.find((one) => !before.has(one.number)) : undefined;
  if (added && !wentOn) choose(added);
  send();
  if (facts === null) await start();
}

function show(next) {
  if (state !== null && next.revision < state.revision) return;
  state = next;
  const chosen = view.chosen;
  view.events = next.events;
  view.reviewed = next.reviewed;
  view.suggestions = view.hidden ? [] : next.suggestions;
  const same = (one) => (chosen?.number === undefined
    ? one.number === undefined && one.type === chosen?.type && one.start === chosen?.start && one.end === chosen?.end
    : one.number === chosen.number);
  view.chosen = chosen && ([...view.events, ...view.suggestions].find(same) ?? null);
  saved(next.fault ? "NOT SAVED" : next.values.person ? "All is saved" : "Nothing to save yet", Boolean(next.fault));
  byId("fault").hidden = !next.fault;
  setText(byId("fault-text"), next.fault ? `Not saved: ${next.fault}` : "");
  showScore();
  showList();
  redraw();
}

function saved(text, bad = false) {
  setText(byId("saved"), text);
  byId("saved").className = bad ? "bad" : "";
}

function edit(op, values = {}) {
  if (socket?.readyState !== WebSocket.OPEN) {
    hint("No connection: nothing is changed.");
    return;
  }
  if (!state.values.person && op !== "set") {
    openFacts();
    return;
  }
  edits.push({ op, ...values });
  send();
}

// One edit at a time: each names the revision that it is meant for.
function send() {
  if (waiting !== null || !edits.length || socket.readyState !== WebSocket.OPEN) return;
  const next = edits.shift();
  waiting = numbers += 1;
  before = new Set(state.events.map((one) => one.number));
  wentOn = false;
  socket.send(JSON.stringify({ ...next, id: waiting, revision: state.revision }));
}

async function start() {
  facts = "loading";
  const clip = view.clip;
  const answer = await fetch(`/clip/${clip}`);
  const found = await answer.json();
  if (clip !== view.clip) return;
  facts = found;
  Object.assign(view, { frames: facts.frames, fps: facts.fps, signals: facts.signals, t: facts.signals.t });
  document.title = `Label ${facts.name}`;
  pictures?.close();
  pictures = new Pictures(clip, redraw, (text) => saved(text, true));
  go(0);
  stage.focus();
  if (!state.values.person) openFacts();
}

function openClip(clip) {
  Object.assign(view, { clip, frame: 0, frames: 0, begin: null, chosen: null, events: [], suggestions: [] });
  [state, facts, edits, waiting, over] = [null, null, [], null, false];
  stop();
  socket?.close();
  connect();
}

// ---- the frame ----

function go(frame) {
  if (!view.frames) return;
  view.frame = Math.max(0, Math.min(view.frames - 1, frame));
  const near = [...Array(STRIP).keys()].map((index) => view.frame + index - (STRIP - 1) / 2);
  const ahead = [...Array(AHEAD).keys()].map((index) => view.frame + index);
  const all = [view.frame, ...(playing === null ? near : ahead), ...near];
  pictures.want([...new Set(all)].filter((one) => one >= 0 && one < view.frames));
  redraw();
}

function redraw() {
  if (drawn) return;
  drawn = true;
  requestAnimationFrame(() => {
    drawn = false;
    if (!view.signals || !view.frames) return;
    drawPicture();
    drawStrip();
    timeline.draw(view);
    showWhere();
  });
}

// The part of a picture with the eyes: the upper part of the last known face.
function eyesOf(bitmap, frame) {
  const scale = bitmap.width / facts.size[0];
  for (let back = 0; back < 30 && frame - back >= 0; back += 1) {
    const box = view.signals["face.box"][frame - back];
    if (!box) continue;
    const [x, y, w, h] = box.map((value) => value * scale);
    const [left, top] = [Math.max(0, x - 0.05 * w), Math.max(0, y - 0.1 * h)];
    return [left, top, Math.min(bitmap.width - left, 1.1 * w), Math.min(bitmap.height - top, 0.55 * h)];
  }
  return [0, 0, bitmap.width, bitmap.height];
}

function drawPicture() {
  const bitmap = pictures.get(view.frame);
  if (!bitmap) return;
  const [x, y, w, h] = view.zoom ? eyesOf(bitmap, view.frame) : [0, 0, bitmap.width, bitmap.height];
  const factor = view.zoom ? Math.max(1, 1200 / w) : 1;
  picture.width = Math.round(w * factor);
  picture.height = Math.round(h * factor);
  picture.getContext("2d").drawImage(bitmap, x, y, w, h, 0, 0, picture.width, picture.height);
  picture.dataset.frame = view.frame;
}

function drawStrip() {
  const strip = byId("strip");
  const { width, height } = strip.getBoundingClientRect();
  [strip.width, strip.height] = [width, height];
  const context = strip.getContext("2d");
  const each = width / STRIP;
  for (let index = 0; index < STRIP; index += 1) {
    const frame = view.frame + index - (STRIP - 1) / 2;
    const bitmap = frame >= 0 && frame < view.frames ? pictures.get(frame) : null;
    if (!bitmap) continue;
    const [x, y, w, h] = eyesOf(bitmap, frame);
    const scale = Math.min((each - 4) / w, height / h);
    context.drawImage(bitmap, x, y, w, h, index * each + (each - w * scale) / 2, (height - h * scale) / 2, w * scale, h * scale);
    if (frame === view.frame) {
      context.lineWidth = 3;
      context.strokeStyle = getComputedStyle(document.documentElement).getPropertyValue("--mark");
      context.strokeRect(index * each + 1.5, 1.5, each - 3, height - 3);
    }
  }
}

const number = (value, digits = 2) => (value === null || value === undefined ? "unknown" : value.toFixed(digits));

function showWhere() {
  const here = view.events.filter((one) => one.start <= view.frame && view.frame <= one.end);
  const reviewed = view.reviewed.some(([first, last]) => first <= view.frame && view.frame <= last);
  const words = here.map((one) => `${one.type}${one.direction ? ` ${one.direction}` : ""}`).join(", ") || "no label";
  const place = `Frame ${view.frame} of ${view.frames}, ${number(view.t[view.frame])} s`;
  const begin = view.begin === null ? "" : `; a label begins at ${view.begin}`;
  const play = playing === null ? "" : `; plays at ${SPEEDS[speed]}`;
  const text = `${place}: ${words}; ${reviewed ? "reviewed" : "not reviewed"}${begin}${play}`;
  if (playing === null) picture.setAttribute("aria-label", text);
  setText(byId("where"), text);
  const at = (name) => view.signals[name][view.frame];
  setText(byId("values"), `eyes ${at("eyes.state")}, openness ${number(at("eyes.openness"))}, p closed ${number(at("eyes.p_closed"))}, `
    + `gaze ${at("gaze.yaw") === null ? "unknown" : `${at("gaze.zone")} ${number(at("gaze.yaw"), 0)}°`}, mouth ${number(at("mouth.opening"))}`);
}

// ---- playing ----

function play() {
  if (playing !== null) return stop();
  if (view.frame === view.frames - 1) go(0);
  playing = { from: view.t[view.frame], since: performance.now() };
  go(view.frame);
  requestAnimationFrame(advance);
  return undefined;
}

function stop() {
  playing = null;
  redraw();
}

// Up to normal speed each frame is shown; a picture that is late is waited for. Faster, frames are left out.
function advance(now) {
  if (playing === null) return;
  const t = playing.from + ((now - playing.since) / 1000) * SPEEDS[speed];
  const next = view.frame + 1;
  if (next >= view.frames) {
    stop();
    return;
  }
  if (view.t[next] <= t) {
    let target = next;
    if (SPEEDS[speed] > 1) while (target + 1 < view.frames && view.t[target + 1] <= t) target += 1;
    if (pictures.get(target)) go(target);
    else {
      Object.assign(playing, { from: view.t[view.frame], since: now });
      pictures.want([...Array(AHEAD).keys()].map((index) => target + index).filter((one) => one < view.frames));
    }
  }
  requestAnimationFrame(advance);
}

function setSpeed(change) {
  speed = Math.max(0, Math.min(SPEEDS.length - 1, speed + change));
  if (playing !== null) Object.assign(playing, { from: view.t[view.frame], since: performance.now() });
  hint(`Speed ${SPEEDS[speed]}`);
  redraw();
}

// ---- labels ----

function choose(one, jump = false) {
  view.chosen = one;
  wentOn = true;
  if (one !== null && jump) go(one.start);
  if (one !== null) {
    const what = one.number === undefined ? "Suggestion" : "Label";
    const next = one.number === undefined ? "Enter accepts, x rejects it." : needsDirection(one)
      ? "Give its direction in the picture: w, a, s, d." : "Shift+I and Shift+O move its edges, Delete removes it.";
    hint(`${what} ${one.type}, frames ${one.start} to ${one.end}. ${next}`);
  }
  showList();
  redraw();
}

const needsDirection = (one) => one.type.startsWith("look_away") && !one.direction;

function setType(type) {
  view.type = type;
  hint(`The next label is ${type}.`);
  showTypes();
  redraw();
}

function begin() {
  view.begin = view.frame;
  view.chosen = null;
  hint(`${view.type} begins at frame ${view.frame}. Go to its last frame and press ] or o.`);
  redraw();
}

function end() {
  const start = Math.min(view.begin ?? view.frame, view.frame);
  const last = Math.max(view.begin ?? view.frame, view.frame);
  view.begin = null;
  add(start, last);
}

function add(start, last) {
  const direction = view.type.startsWith("look_away") ? view.direction : null;
  view.direction = null;
  edit("add", { type: view.type, start, end: last, direction });
}

const chosenLabel = () => (view.chosen?.number === undefined ? null : view.chosen);
const chosenSuggestion = () => (view.chosen && view.chosen.number === undefined ? view.chosen : null);

function change(values) {
  const label = chosenLabel();
  if (label === null) hint("Choose a label first: click it, or press Page Down.");
  else edit("change", { number: label.number, ...values });
}

function moveEdge(name) {
  const label = chosenLabel();
  if (label === null) return change({});
  const edges = { start: label.start, end: label.end, [name]: view.frame };
  return change({ start: Math.min(edges.start, edges.end), end: Math.max(edges.start, edges.end) });
}

// A second key adds to the direction: a, then s is left_down. The same or the opposite one replaces it.
function setDirection(word) {
  const label = chosenLabel();
  const old = ((label ? label.direction : view.direction) ?? "").split("_").filter((one) => one && one !== "image");
  const joined = old.length === 1 && old[0] !== word && old[0] !== OPPOSITE[word] ? [old[0], word] : [word];
  const order = ["left", "right", "up", "down"];
  const direction = joined.sort((one, other) => order.indexOf(one) - order.indexOf(other)).join("_");
  if (label?.type.startsWith("look_away")) return change({ direction });
  view.direction = direction;
  return hint(`The next look away goes ${direction}.`);
}

function remove() {
  if (chosenSuggestion()) return answer("reject");
  const label = chosenLabel();
  return label === null ? change({}) : edit("remove", { number: label.number });
}

function answer(op) {
  const one = chosenSuggestion();
  if (one === null) return hint("Choose a suggestion first: Tab or n.");
  view.chosen = null;
  edit(op, { type: one.type, start: one.start, end: one.end, direction: one.direction ?? null });
  return hint(`${op === "accept" ? "Accepted" : "Rejected"}. Tab or n goes to the next one.`);
}

function toSuggestion(step) {
  const all = view.suggestions;
  if (!all.length) return hint(view.hidden ? "Suggestions are hidden: g shows them." : "There is no suggestion left.");
  const now = chosenSuggestion();
  const index = now ? all.indexOf(now) + step : step > 0
    ? all.findIndex((one) => one.start >= view.frame) : all.findLastIndex((one) => one.start < view.frame);
  return choose(all[((index < 0 && !now ? 0 : index) + all.length) % all.length], true);
}

function toLabel(step) {
  const sorted = [...view.events].sort((one, other) => one.start - other.start || one.number - other.number);
  const at = sorted.indexOf(chosenLabel());
  const found = at >= 0 ? sorted[at + step]
    : step > 0 ? sorted.find((one) => one.start > view.frame) : sorted.findLast((one) => one.start < view.frame);
  if (found) choose(found, true);
  else hint("There is no further label.");
}

// From the end of the reviewed part before this frame, or from the first frame.
function review() {
  const before = view.reviewed.filter(([first]) => first <= view.frame).at(-1);
  if (before && before[1] >= view.frame) return hint("This frame is reviewed already.");
  return edit("review", { start: before ? before[1] + 1 : 0, end: view.frame });
}

function unreview() {
  const here = view.reviewed.find(([, last]) => last >= view.frame);
  if (!here) return hint("From this frame on nothing is reviewed.");
  return edit("review", { start: Math.max(here[0], view.frame), end: here[1], reviewed: false });
}

function toggleSuggestions() {
  view.hidden = !view.hidden;
  show(state);
  hint(view.hidden ? "Suggestions are hidden." : "Suggestions are shown.");
}

function escape() {
  view.begin = null;
  choose(null);
  stage.blur();
  hint("Nothing is chosen. Tab moves through the buttons now; click the picture for its keys.");
}

const ACTIONS = {
  play, begin, end, remove, review, unreview, escape,
  slower: () => setSpeed(-1), faster: () => setSpeed(1),
  step: (by) => { stop(); go(view.frame + by); },
  first: () => go(0), last: () => go(view.frames - 1),
  labelBefore: () => toLabel(-1), labelAfter: () => toLabel(1),
  type: setType, retype: () => change({ type: view.type }),
  unsure: () => change({ confidence: chosenLabel()?.confidence === "low" ? null : "low" }),
  moveBegin: () => moveEdge("start"), moveEnd: () => moveEdge("end"),
  up: () => setDirection("up"), left: () => setDirection("left"), down: () => setDirection("down"),
  right: () => setDirection("right"),
  undo: () => edit("undo"), redo: () => edit("redo"),
  next: () => toSuggestion(1), previous: () => toSuggestion(-1),
  accept: () => answer("accept"), reject: () => answer("reject"),
  zoom: () => { view.zoom = !view.zoom; redraw(); },
  suggestions: toggleSuggestions,
  closer: () => { timeline.span = Math.max(20, timeline.span / 2); redraw(); },
  wider: () => { timeline.span = Math.min(view.frames, timeline.span * 2); redraw(); },
  help: () => byId("keys").showModal(),
};

function act(action) {
  const [name, argument] = Array.isArray(action) ? action : [action];
  if (state !== null && view.signals) ACTIONS[name](argument);
}

document.addEventListener("keydown", (event) => {
  const onPage = event.target === document.body || event.target === stage;
  const inForm = event.target.closest?.("input, select, dialog");
  const action = inForm ? null : actionOf(event);
  if (action === null) return;
  // On a button, Tab, Enter and Space keep their usual meaning; after Escape, Tab leaves the picture.
  if (!onPage && ["Tab", "Enter", " "].includes(event.key)) return;
  if (event.key === "Tab" && event.target !== stage) return;
  event.preventDefault();
  act(action);
});

// ---- lists, dialogs, mouse ----

function element(name, text, properties = {}) {
  const made = Object.assign(document.createElement(name), properties);
  if (text) made.textContent = text;
  return made;
}

function showTypes() {
  for (const one of byId("types").children) one.setAttribute("aria-checked", String(one.dataset.type === view.type));
  byId("others").value = OTHERS.includes(view.type) ? view.type : "";
}

function showScore() {
  const body = byId("score").tBodies[0];
  const score = state.score;
  const seconds = view.frames ? `${(view.frames / view.fps).toFixed(1)} s` : "the clip";
  const share = score ? `${score.seconds.toFixed(1)} s of ${seconds} reviewed, ${state.events.length} labels, ${state.suggestions.length} suggestions open.` : "";
  setText(byId("progress"), score && !score.seconds ? `${share} Press r to mark what you have looked at.` : share);
  const rows = score ? scoreRows(score) : [];
  body.replaceChildren(...rows.map(([title, text, name]) => {
    const row = element("tr");
    row.append(element("th", title, { scope: "row" }), element("td", text));
    row.lastChild.dataset.score = name;
    return row;
  }));
}

function scoreRows(score) {
  const { eyes, yawns, alerts } = score;
  const rows = [
    ["Closures found", `${eyes.found} of ${eyes.labelled}`, "closures"],
    ["False closures", `${eyes.false}`, "false"],
    ["Closures: precision", figure(score.event_precision), "event_precision"],
    ["Closures: recall", figure(score.event_recall), "event_recall"],
    ["Frames: precision", figure(eyes.frame_precision), "frame_precision"],
    ["Frames: recall", figure(eyes.frame_recall), "frame_recall"],
    ["Yawns", `${yawns.found} of ${yawns.labelled} found, ${yawns.false} false`, "yawns"],
    ["Looks away agree", figure(score.look_away.agreement), "look_away"],
  ];
  for (const [rule, alert] of Object.entries(alerts)) {
    const missed = alert.due - alert.in_time;
    if (!alert.raised && !alert.due) continue;
    const text = `${alert.raised} raised: ${alert.false} false, ${alert.not_judged} not judged; ${missed} of ${alert.due} missed`;
    rows.push([`Alerts ${rule}`, text, `alerts.${rule}`]);
  }
  return rows;
}

const figure = (value) => (value === null ? "–" : value.toFixed(3));

function showList() {
  const all = [...view.events, ...view.suggestions].sort((one, other) => one.start - other.start);
  const list = byId("list");
  const focused = list.contains(document.activeElement);
  list.replaceChildren(...all.map((one) => {
    const open = one.number === undefined;
    const text = `${one.start}–${one.end} ${one.type}${one.direction ? ` ${one.direction}` : ""}${one.confidence === "low" ? ", unsure" : ""}`;
    const button = element("button", open ? `suggestion: ${text}` : text, { type: "button" });
    button.classList.toggle("suggestion", open);
    button.setAttribute("aria-pressed", String(one === view.chosen));
    button.onclick = () => choose(one, true);
    const item = element("li");
    item.append(button);
    return item;
  }));
  const pressed = list.querySelector("[aria-pressed=true]");
  if (focused) pressed?.focus({ preventScroll: true });
  // Not scrollIntoView: it would scroll the page too, and the picture out of sight.
  if (pressed) {
    const { offsetTop, offsetHeight } = pressed;
    list.scrollTop = Math.min(offsetTop, Math.max(list.scrollTop, offsetTop + offsetHeight - list.clientHeight));
  }
}

function openFacts() {
  const { values } = state;
  setText(byId("clip-facts"), `${facts.name}: ${facts.frames} frames, ${values.fps} frames a second. Labels: ${facts.file}`);
  byId("person").value = values.person ?? "";
  const reference = byId("reference");
  if (![...reference.options].some((one) => one.value === values.look_away_reference)) {
    reference.append(element("option", values.look_away_reference, { value: values.look_away_reference }));
  }
  reference.value = values.look_away_reference ?? "the camera";
  byId("blinks").value = values.blinks ?? "complete";
  byId("long").value = values.closures_over_half_second ?? "";
  setText(byId("facts-refused"), "");
  if (!byId("facts").open) byId("facts").showModal();
  byId("person").focus();
}

function saveFacts(event) {
  event.preventDefault();
  const values = { person: byId("person").value.trim(), look_away_reference: byId("reference").value };
  if (byId("blinks").value !== "complete" || state.values.blinks) values.blinks = byId("blinks").value;
  values.closures_over_half_second = byId("long").value || null;
  if (!values.person) {
    setText(byId("facts-refused"), "Say who the driver is.");
    return;
  }
  byId("facts").close();
  edit("set", values);
  stage.focus();
}

// Without a file on the server's disk, the browser can still keep the labels.
function download() {
  const text = JSON.stringify({ ...state.values, reviewed: state.reviewed,
    events: state.events.map(({ number: _, ...one }) => one) }, null, 1);
  const link = element("a", "", { href: URL.createObjectURL(new Blob([text])), download: facts.file.split("/").at(-1) });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}

function dragged(canvas, onClick, onRange) {
  let from = null;
  canvas.addEventListener("pointerdown", (event) => {
    from = [event.clientX, event.clientY];
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointerup", (event) => {
    if (from === null) return;
    const far = Math.abs(event.clientX - from[0]) > 4;
    if (far && onRange) onRange(from[0], event.clientX);
    else onClick(event.clientX, event.clientY);
    from = null;
    stage.focus();
  });
}

function build() {
  for (const [key, type] of TYPES) {
    const button = element("button", `${key} ${type}`, { type: "button", onclick: () => { setType(type); stage.focus(); } });
    button.setAttribute("role", "radio");
    button.dataset.type = type;
    byId("types").append(button);
  }
  byId("others").append(element("option", "–", { value: "" }), ...OTHERS.map((one) => element("option", one, { value: one })));
  byId("others").onchange = (event) => event.target.value && setType(event.target.value);
  for (const [keys, what, action, text] of KEYS) {
    const row = element("tr");
    row.append(element("th", "", { scope: "row" }), element("td", what));
    row.firstChild.append(element("kbd", keys));
    byId("key-rows").append(row);
    if (!text) continue;
    const button = element("button", text, { type: "button", title: `${what} (${keys})`, onclick: () => act(action) });
    button.dataset.action = action;
    byId("buttons").append(button);
  }
  byId("help").onclick = () => byId("keys").showModal();
  byId("keys-close").onclick = () => byId("keys").close();
  byId("about").onclick = () => state && facts && openFacts();
  byId("facts-close").onclick = () => byId("facts").close();
  byId("facts").querySelector("form").onsubmit = saveFacts;
  byId("save-again").onclick = () => edit("save");
  byId("read-again").onclick = () => edit("reload");
  byId("download").onclick = download;
  byId("clips").onchange = (event) => openClip(Number(event.target.value));
  dragged(timeline.detail, (x, y) => {
    const one = timeline.hit(x, y, view);
    go(timeline.frameAt(timeline.detail, x, view));
    choose(one);
  }, (from, to) => {
    const ends = [from, to].map((x) => timeline.frameAt(timeline.detail, x, view));
    add(Math.min(...ends), Math.max(...ends));
  });
  dragged(timeline.overview, (x) => go(timeline.frameAt(timeline.overview, x, view)));
  dragged(byId("strip"), (x) => {
    const { left, width } = byId("strip").getBoundingClientRect();
    go(view.frame + Math.floor(((x - left) / width) * STRIP) - (STRIP - 1) / 2);
  });
  stage.addEventListener("pointerdown", () => stage.focus());
  new ResizeObserver(redraw).observe(byId("work"));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  showTypes();
}

async function open() {
  build();
  const names = await (await fetch("/clips")).json();
  byId("clips").append(...names.map((name, index) => element("option", name, { value: index })));
  openClip(0);
}

open();
