"use strict";

(async () => {
  const byId = (id) => document.getElementById(id);
  const facts = JSON.parse(byId("facts").textContent);
  const rows = [...document.querySelectorAll("tr.why")], buttons = [...document.querySelectorAll("[data-alert]")];
  const unfold = (index, open) => {
    rows[index].classList.toggle("folded", !open);
    buttons[index].setAttribute("aria-expanded", String(open));
  };
  rows.forEach((_, index) => unfold(index, false));
  let choose = () => {};
  buttons.forEach((button, index) =>
    button.addEventListener("click", () => {
      const open = rows[index].classList.contains("folded");
      unfold(index, open);
      choose(open ? index : null, true);
    }));
  if (!facts.frames) return;

  const plot = byId("plot"), drawing = byId("drawing"), cursor = byId("cursor"), readout = byId("readout");
  let chart, view, at = 0;
  try {
    const [series] = await Promise.all([unpackSeries("packed", facts.series, facts.frames), loadPlotly()]);
    chart = new Chart(facts, series);
  } catch (error) {
    byId("fault").textContent = `The drawing cannot be shown: ${error}. Use a browser of 2023 or newer.`;
    byId("fault").hidden = false;
    return;
  }
  view = chart.whole;

  const width = () => drawing.clientWidth;
  const inside = () => {
    const { l, r } = plot.layout.margin;
    return { left: l, width: width() - l - r };
  };
  function draw() {
    const { traces, layout } = chart.figure(view[0], view[1], width());
    Plotly.react(plot, traces, layout, { displayModeBar: false, responsive: false, doubleClick: false });
    place();
  }
  function show(a, b) {
    const least = Math.max((chart.whole[1] - chart.whole[0]) / facts.frames, 1e-3) * 4;
    const length = Math.min(Math.max(b - a, least), chart.whole[1] - chart.whole[0]);
    const start = Math.min(Math.max((a + b - length) / 2, chart.whole[0]), chart.whole[1] - length);
    view = [start, start + length];
    draw();
  }

  // The values of one frame, as they are in signals.jsonl.
  const fields = [
    ["time"], ["frame", "frame"], ["attention", "attention"], ["eyes", "eyes.state", "eyes"],
    ["openness", "eyes.openness", "eyes"], ["p closed", "eyes.p_closed", "eyes"], ["PERCLOS", "perclos.value", "perclos"],
    ["PERCLOS from", "perclos.low"], ["PERCLOS to", "perclos.high"], ["PERCLOS coverage", "perclos.coverage"], ["gaze yaw", "gaze.yaw", "gaze"],
    ["gaze pitch", "gaze.pitch", "gaze"], ["gaze zone", "gaze.zone", "gaze"], ["head yaw", "head.yaw", "head"],
    ["head pitch", "head.pitch", "head"], ["head roll", "head.roll", "head"], ["mouth", "mouth.opening", "mouth"],
    ["yawning", "mouth.yawning", "mouth"], ["light", "light"], ["degraded", "degraded"], ["face", "face.present", "face"],
    ["speed", "car.speed_kmh", "speed"], ["telephone at the ear", "phone.at_ear_s", "phone"], ["alerts"], ["labels"],
  ];
  const cells = fields.map(([name]) => {
    const pair = document.createElement("div"), term = document.createElement("dt"), value = document.createElement("dd");
    term.textContent = name;
    pair.append(term, value);
    readout.append(pair);
    return value;
  });
  const gap = (part) => {
    const why = part && chart.series.get(`unknown.${part}`);
    return why ? valueAt(why, at) : null;
  };
  // What the fields that are no series say: the time, and which alerts and labels the frame lies in.
  const other = {
    time: () => clock(chart.t[at], 3),
    alerts: () => around(facts.episodes, (one) => chart.end(one), (one) => one.rule),
    labels: () => (facts.labels === null ? "none given" : around(facts.labels, (one) => one.end - 1e-9, (one) =>
      one.note ? `${one.type} (${one.note})` : one.type)),
  };
  const around = (all, end, name) => {
    const names = all.filter((one) => one.start <= chart.t[at] && chart.t[at] <= end(one)).map(name);
    return names.length ? names.join(", ") : "none";
  };
  function read() {
    fields.forEach(([title, name, part], k) => {
      const value = name ? valueAt(chart.series.get(name), at) : other[title](), why = gap(part);
      const missing = value === null || value === "unknown" || (value === false && why);
      const text = name === "degraded" && value === null ? "no" : missing ? `unknown${why ? `: ${why}` : ""}` : String(value);
      cells[k].textContent = text;
      cells[k].classList.toggle("gap", Boolean(missing) && text !== "no");
    });
    byId("dock").hidden = false;
  }
  function place() {
    const { left, width: wide } = inside(), share = (chart.t[at] - view[0]) / (view[1] - view[0]);
    cursor.hidden = byId("dock").hidden || share < 0 || share > 1;
    cursor.style.left = `${left + share * wide}px`;
    cursor.style.top = `${plot.layout.margin.t}px`;
    cursor.style.height = `${plot.layout.height - plot.layout.margin.t - plot.layout.margin.b}px`;
  }
  function go(frame) {
    at = Math.min(Math.max(frame, 0), facts.frames - 1);
    read();
    if (chart.t[at] < view[0] || chart.t[at] > view[1]) {
      const half = (view[1] - view[0]) / 2;
      show(chart.t[at] - half, chart.t[at] + half);
    } else place();
  }
  const secondsAt = (event) => {
    const { left, width: wide } = inside(), box = drawing.getBoundingClientRect();
    const share = (event.clientX - box.left - left) / wide;
    return share < 0 || share > 1 ? null : view[0] + share * (view[1] - view[0]);
  };
  const frameAt = (seconds) => firstFrom(chart.edges, seconds + 1e-9) - 1;

  choose = (index, zoom) => {
    chart.chosen = index;
    byId("why").hidden = index === null || zoom;
    document.querySelectorAll("tr.chosen").forEach((row) => row.classList.remove("chosen"));
    if (index !== null) {
      const one = facts.episodes[index], row = rows[index];
      row.previousElementSibling.classList.add("chosen");
      byId("why").querySelector("pre").textContent = row.querySelector("pre").textContent;
      at = Math.max(0, firstFrom(chart.t, one.start));
      if (at >= facts.frames) at = facts.frames - 1;
      read();
      const end = chart.end(one), around = Math.max(10, end - one.start);
      if (zoom) { show(one.start - around, end + around); return; }
    }
    draw();
  };
  byId("close").addEventListener("click", () => choose(null, false));

  drawing.addEventListener("pointermove", (event) => {
    const seconds = secondsAt(event);
    if (seconds !== null && !event.buttons) go(Math.max(0, frameAt(seconds)));
  });
  let pressed = null;
  drawing.addEventListener("pointerdown", (event) => { pressed = [event.clientX, event.clientY]; }, true);
  window.addEventListener("pointerup", (event) => {
    const from = pressed;
    pressed = null;
    if (!from || Math.hypot(event.clientX - from[0], event.clientY - from[1]) > 4) return;
    const seconds = secondsAt(event);
    if (seconds === null) return;
    go(Math.max(0, frameAt(seconds)));
    const y = event.clientY - drawing.getBoundingClientRect().top;
    choose(chart.alertAt(seconds, y, ((view[1] - view[0]) / inside().width) * 3), false);
  }, true);

  const moves = {
    earlier: ([a, b]) => [a - (b - a) / 2, b - (b - a) / 2],
    later: ([a, b]) => [a + (b - a) / 2, b + (b - a) / 2],
    in: ([a, b]) => [a + (b - a) / 4, b - (b - a) / 4],
    out: ([a, b]) => [a - (b - a) / 2, b + (b - a) / 2],
    all: () => chart.whole,
  };
  const move = (name) => {
    const [a, b] = moves[name](view), length = b - a;
    const start = Math.min(Math.max(a, chart.whole[0]), Math.max(chart.whole[1] - length, chart.whole[0]));
    show(start, start + length);
  };
  document.querySelectorAll("[data-move]").forEach((button) =>
    button.addEventListener("click", () => move(button.dataset.move)));
  drawing.addEventListener("keydown", (event) => {
    const side = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const named = { "+": "in", "=": "in", "-": "out", "0": "all", Home: "all" }[event.key];
    if (event.key === "Escape") choose(null, false);
    else if (event.key === "Enter") choose(chart.alertAt(chart.t[at], -1, 0), false);
    else if (named) move(named);
    else if (side && event.shiftKey) go(Math.max(0, frameAt(chart.t[at] + side)));
    else if (side) go(at + side);
    else return;
    event.preventDefault();
  });

  draw();
  plot.on("plotly_relayout", (change) => {
    if ("xaxis.range[0]" in change) show(change["xaxis.range[0]"], change["xaxis.range[1]"]);
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  new ResizeObserver(() => { if (plot.layout.width !== width()) draw(); }).observe(drawing);
  window.report = { chart, draw, show, go, valueAt, get view() { return view; }, get frame() { return at; } };
  document.documentElement.dataset.ready = "yes";
})();
