"use strict";

// The panels from top to bottom. `part`: a key of `parts`, hatched where it is unknown. `zero`: draws a line at 0.
// `rare`: only drawn if a line has values, as runs of older versions and those without that net have none.
const PANELS = [
  { title: "Eyes: openness", part: "eyes", range: [0, 1.5], height: 90, lines: [["eyes.openness", "openness"]] },
  { title: "Eyes: probability of closed", part: "eyes", range: [0, 1], height: 60, lines: [["eyes.p_closed", "p closed"]] },
  { title: "PERCLOS", part: "perclos", range: [0, 1], height: 80, interval: ["perclos.low", "perclos.high"],
    lines: [["perclos.value", "value"], ["perclos.coverage", "coverage"]] },
  { title: "Gaze, degrees", part: "gaze", height: 100, least: 30, zero: true,
    lines: [["gaze.yaw", "yaw (+ left)"], ["gaze.pitch", "pitch (+ up)"]] },
  { title: "Head, degrees", part: "head", height: 100, least: 30, zero: true,
    lines: [["head.yaw", "yaw (+ left)"], ["head.pitch", "pitch (+ up)"], ["head.roll", "roll (+ right)"]] },
  { title: "Mouth: opening", part: "mouth", height: 60, least: 1, lines: [["mouth.opening", "opening"]] },
  { title: "Held, s", part: "phone", height: 60, least: 5, rare: true,
    lines: [["phone.at_ear_s", "telephone at the ear"], ["hand.on_face_s", "hand on the face"], ["mouth_object_s", "object at the mouth"]] },
  { title: "Speed, km/h", part: "speed", height: 60, least: 50, lines: [["car.speed_kmh", "speed"]] },
];
const STRIPS = [
  ["attention", "attention", "unknown"], ["eyes.state", "eyes", "unknown"], ["gaze.zone", "gaze zone", "unknown"],
  ["light", "light", "unknown"], ["degraded", "degraded", "no"],
];
const RARE_STRIPS = [["mask", "mask", "unknown"]];
const COLOURS = {
  unknown: "#b5b5b5", no: "#e4efe4", attentive: "#bfe3c0", open: "#bfe3c0", road: "#bfe3c0", closed: "#ff9a94",
  distracted: "#ffc46b", drowsy: "#ffb0d0", asleep: "#ff8f88", unresponsive: "#ff7f76", down: "#ffc46b",
  left: "#9cc9ff", right: "#c3b5ff", up: "#8fe0e0", day: "#ffe9a8", infrared: "#d3c4f0", dark: "#a9a9c9", glare: "#ffb48f",
};
const OTHER_COLOURS = ["#ffd0a0", "#a8d8e8", "#e8c0e0", "#d8e0a0", "#e0c8b0", "#b8c8e8"];
const DASHES = ["solid", "dash", "dot"];
const STEPS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200];
const LEVELS = ["info", "warning", "critical"];
const ROW = 17, NARROW_ROW = 28, STRIP = 19, GAP = 24;

// Plotly reads <b> and <a> in its texts: what a run says must stay text.
function plotlyText(text) {
  return String(text).replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
}

function clock(seconds, digits = 1) {
  const power = POWERS[digits], whole = Math.round(Math.abs(seconds) * power);
  const part = digits ? "." + String(whole % power).padStart(digits, "0") : "";
  const all = Math.floor(whole / power), two = (n) => String(n).padStart(2, "0");
  return `${seconds < 0 ? "-" : ""}${Math.floor(all / 3600)}:${two(Math.floor(all / 60) % 60)}:${two(all % 60)}${part}`;
}

function ticks(a, b, most) {
  const step = STEPS.find((one) => (b - a) / one <= most) || (b - a) / most;
  const values = [];
  for (let k = Math.ceil(a / step); k * step <= b; k++) values.push(k * step);
  return { tickvals: values, ticktext: values.map((value) => clock(value, step < 0.1 ? 2 : step < 1 ? 1 : 0)) };
}

// Rectangles as one filled line: as fast for a thousand as for one.
function rectangles(boxes, axis, style) {
  const x = [], y = [];
  for (const [x0, x1, y0, y1] of boxes) { x.push(x0, x0, x1, x1, x0, null); y.push(y0, y1, y1, y0, y0, null); }
  return { type: "scatter", mode: "lines", x, y, xaxis: "x", yaxis: axis, fill: "toself", hoverinfo: "skip",
    line: { width: style.width || 0, color: style.line || style.fillcolor }, ...style };
}

class Chart {
  constructor(facts, series) {
    this.facts = facts;
    this.series = series;
    this.t = series.get("t").values;
    const n = facts.frames, step = n > 1 ? (this.t[n - 1] - this.t[0]) / (n - 1) : 1;
    this.edges = new Float64Array(n + 1);
    this.edges.set(this.t);
    this.edges[n] = this.t[n - 1] + (step || 1);
    this.whole = [this.edges[0], this.edges[n]];
    this.rules = [...new Set(facts.episodes.map((one) => one.rule))];
    this.types = facts.labels === null ? [] : [...new Set(facts.labels.map((one) => one.type))];
    const held = PANELS.find((one) => one.rare).lines.some(([name]) => series.get(name).values.some((value) => value === value));
    this.states = held ? [...STRIPS, ...RARE_STRIPS] : STRIPS;
    this.panels = PANELS.filter((one) => held || !one.rare).map((one) => ({ ...one, range: one.range || this.range(one) }));
    this.chosen = null;
  }

  end(episode) { return episode.end === null ? this.edges[this.facts.frames] : episode.end; }

  range(panel) {
    let low = panel.zero ? -panel.least : 0, high = panel.least;
    for (const [name] of panel.lines) {
      for (const value of this.series.get(name).values) {
        if (value < low) low = value;
        if (value > high) high = value;
      }
    }
    return [low, high];
  }

  // The rows of the drawing, from the top: name, height in pixels, title.
  rows(narrow) {
    const rows = [];
    this.rowHeight = narrow ? NARROW_ROW : ROW;
    if (this.rules.length) rows.push(["alerts", this.rowHeight * this.rules.length, "Alerts"]);
    if (this.types.length) rows.push(["labels", this.rowHeight * this.types.length, "Labels"]);
    for (const panel of this.panels) rows.push([panel, panel.height, ""]);
    rows.push(["strips", STRIP * this.states.length, "States"]);
    return rows;
  }

  // What Plotly draws for the seconds `a` to `b` on `width` pixels.
  figure(a, b, width) {
    const narrow = width < 700, css = getComputedStyle(document.documentElement);
    const paint = (name) => css.getPropertyValue(name).trim();
    const margin = { l: narrow ? 62 : 170, r: narrow ? 8 : 16, t: GAP, b: 34 };
    const i0 = Math.max(0, firstFrom(this.t, a) - 1), i1 = Math.min(this.facts.frames, firstFrom(this.t, b) + 1);
    const inside = Math.max(200, width - margin.l - margin.r);
    const scene = { a, b, i0, i1, paint, narrow, inside, groups: groupsOf(i0, i1, inside), traces: [], notes: [] };
    const rows = this.rows(narrow), height = rows.reduce((sum, row) => sum + row[1] + GAP, -GAP);
    const layout = {
      width, height: height + margin.t + margin.b, margin, showlegend: false, hovermode: false, shapes: [],
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", font: { color: paint("--text"), size: 12 },
      dragmode: matchMedia("(pointer: coarse)").matches ? false : "zoom", selectdirection: "h",
      xaxis: { range: [a, b], anchor: "free", position: 0, ...ticks(a, b, narrow ? 4 : 10), gridcolor: paint("--grid"),
        zeroline: false, linecolor: paint("--line"), ticks: "outside" },
      yaxis: { domain: [0, 1], range: [0, 1], visible: false, fixedrange: true },
    };
    this.backdrop(scene);
    let top = height;
    rows.forEach(([row, tall, title], index) => {
      const key = index + 2, axis = `y${key}`;
      const domain = [(top - tall) / height, top / height].map((one) => Math.min(1, Math.max(0, one)));
      const shared = { domain, fixedrange: true, gridcolor: paint("--grid"), zeroline: false, anchor: "x" };
      const [more, text] = this.row(row, axis, scene, title);
      layout[`yaxis${key}`] = { ...shared, ...more };
      scene.notes.push({ text, x: 0, y: domain[1], xref: "paper", yref: "paper", xanchor: "left", yanchor: "bottom",
        showarrow: false, align: "left", font: { size: narrow ? 11 : 12 } });
      top -= tall + GAP;
    });
    layout.annotations = scene.notes;
    this.mark(scene, layout);
    return { traces: scene.traces, layout };
  }

  row(row, axis, scene, title) {
    if (row === "alerts") return [this.alerts(axis, scene), title];
    if (row === "labels") return [this.labels(axis, scene), title];
    if (row === "strips") return [this.strips(axis, scene), title];
    return [this.panel(row, axis, scene), this.title(row, scene)];
  }

  title(panel, scene) {
    const short = (name) => (scene.narrow ? name.replace(/ \(.*/, "") : name);
    const names = panel.lines.map(([, name], k) => `<span style="color:${scene.paint(`--c${k + 1}`)}">${short(name)}</span>`);
    const dashes = ["──", "╌╌", "····"];
    return panel.lines.length > 1 ? `${panel.title}: ${names.map((one, k) => `${dashes[k]} ${one}`).join("  ")}` : panel.title;
  }

  shown(scene, start, end) { return end >= scene.a && start <= scene.b; }

  // Widened so that something short can still be seen from afar.
  box(scene, start, end, y0, y1) {
    return [start, Math.max(end, start + ((scene.b - scene.a) / scene.inside) * 2), y0, y1];
  }

  backdrop(scene) {
    for (const level of LEVELS) {
      const boxes = this.facts.episodes
        .filter((one) => one.level === level && this.shown(scene, one.start, this.end(one)))
        .map((one) => this.box(scene, one.start, this.end(one), 0, 1));
      if (boxes.length) scene.traces.push(rectangles(boxes, "y", { fillcolor: scene.paint(`--band-${level}`) }));
    }
  }

  alerts(axis, scene) {
    for (const level of LEVELS) {
      const boxes = this.facts.episodes
        .filter((one) => one.level === level && this.shown(scene, one.start, this.end(one)))
        .map((one) => {
          const y = this.rules.indexOf(one.rule);
          return this.box(scene, one.start, this.end(one), y + (scene.narrow ? 0.55 : 0.15), y + (scene.narrow ? 0.95 : 0.85));
        });
      const colour = scene.paint(level === "info" ? "--bar" : `--${level}`);
      if (boxes.length) scene.traces.push(rectangles(boxes, axis, { fillcolor: colour }));
    }
    return this.named(this.rules, scene, scene.narrow);
  }

  labels(axis, scene) {
    const boxes = this.facts.labels
      .filter((one) => this.shown(scene, one.start, one.end))
      .map((one) => {
        const y = this.types.indexOf(one.type);
        return this.box(scene, one.start, one.end, y + (scene.narrow ? 0.55 : 0.15), y + (scene.narrow ? 0.95 : 0.85));
      });
    scene.traces.push(rectangles(boxes, axis, { fillcolor: scene.paint("--c3") }));
    return this.named(this.types, scene, scene.narrow);
  }

  // An axis with a name for each row; the first one is at the top. `over`: the names lie over the bars, as on a phone.
  named(names, scene, over) {
    return { range: [names.length, 0], tickvals: names.map((_, k) => k + (over ? 0.3 : 0.5)),
      ticktext: names.map(plotlyText), showgrid: false, ticks: "", ticklabelposition: over ? "inside" : "outside",
      tickfont: { size: 11, color: scene.paint("--text") } };
  }

  panel(panel, axis, scene) {
    const [low, high] = panel.range, { groups } = scene;
    const unknown = this.series.get(`unknown.${panel.part}`);
    const stretches = unknown ? unknownStretches(this.edges, unknown.codes, groups) : [];
    const hatch = { fillpattern: { shape: "/", size: 6, solidity: 0.25, fgcolor: scene.paint("--unknown"),
      bgcolor: "rgba(0,0,0,0)" }, fillcolor: scene.paint("--unknown") };
    const boxes = stretches.map(([start, end, whole]) =>
      this.box(scene, start, end, low, whole ? high : low + 0.1 * (high - low)));
    if (boxes.length) scene.traces.push(rectangles(boxes, axis, hatch));
    if (panel.interval) this.interval(panel, axis, scene);
    panel.lines.forEach(([name], k) => {
      const { x, low: lowest, middle, high: highest } = levels(this.t, this.series.get(name).values, groups);
      const colour = scene.paint(`--c${k + 1}`), shared = { type: "scatter", mode: "lines", xaxis: "x", yaxis: axis,
        hoverinfo: "skip", connectgaps: false };
      if (groups.length < scene.i1 - scene.i0) {
        const line = { width: 1, color: colour };
        scene.traces.push({ ...shared, ...outline(x, lowest, highest), name: `${name} from lowest to highest`, fill: "toself",
          fillcolor: colour, line, opacity: 0.3 });
      }
      scene.traces.push({ ...shared, name, x, y: middle,
        line: { width: 1.5, color: colour, dash: DASHES[k], simplify: false } });
    });
    return { range: [low, high], nticks: 4, tickfont: { size: 10 }, zeroline: Boolean(panel.zero),
      zerolinecolor: scene.paint("--line") };
  }

  interval(panel, axis, scene) {
    const [low, high] = panel.interval.map((name) => levels(this.t, this.series.get(name).values, scene.groups));
    scene.traces.push({ type: "scatter", mode: "lines", ...outline(low.x, low.low, high.high), xaxis: "x", yaxis: axis,
      hoverinfo: "skip", fill: "toself", fillcolor: scene.paint("--interval"), line: { width: 0 } });
  }

  strips(axis, scene) {
    const words = [], colours = [], z = [], labels = { x: [], y: [], text: [] };
    const edges = [...scene.groups.map(([first]) => this.edges[first]), this.edges[scene.i1]];
    const place = (word) => {
      if (!words.includes(word)) {
        words.push(word);
        colours.push(Object.hasOwn(COLOURS, word) ? COLOURS[word] : OTHER_COLOURS[words.length % OTHER_COLOURS.length]);
      }
      return words.indexOf(word);
    };
    this.states.forEach(([name, , missing], row) => {
      const one = this.series.get(name);
      const shown = commonest(one.codes, scene.groups).map((code) => (code ? String(one.table[code - 1]) : missing));
      z.push(shown.map(place));
      this.stripLabels(shown, edges, row, scene, labels);
    });
    const scale = colours.flatMap((colour, k) => [[k / colours.length, colour], [(k + 1) / colours.length, colour]]);
    scene.traces.push({ type: "heatmap", x: edges, y: this.states.map((_, k) => k + 0.5), z: z.map((row) => row.map((k) => k + 0.5)),
      zmin: 0, zmax: colours.length, colorscale: scale, showscale: false, hoverinfo: "skip", xaxis: "x", yaxis: axis, ygap: 2 });
    scene.traces.push({ type: "scatter", mode: "text", ...labels, xaxis: "x", yaxis: axis, hoverinfo: "skip",
      textfont: { color: "#111111", size: 10 } });
    return this.named(this.states.map(([, name]) => name), scene, false);
  }

  // Writes the word on each stretch that is wide enough for it.
  stripLabels(shown, edges, row, scene, labels) {
    for (let k = 0, next; k < shown.length; k = next) {
      for (next = k + 1; next < shown.length && shown[next] === shown[k]; next++);
      const start = Math.max(edges[k], scene.a), end = Math.min(edges[next], scene.b);
      if (((end - start) / (scene.b - scene.a)) * scene.inside < 7 * shown[k].length + 4) continue;
      labels.x.push((start + end) / 2);
      labels.y.push(row + 0.5);
      labels.text.push(plotlyText(shown[k]));
    }
  }

  mark(scene, layout) {
    if (this.chosen === null) return;
    const one = this.facts.episodes[this.chosen];
    const [x0, x1] = this.box(scene, one.start, this.end(one), 0, 1);
    layout.shapes.push({ type: "rect", x0, x1, y0: 0, y1: 1, yref: "paper", line: { color: scene.paint("--text"), width: 2 } });
  }

  // The alert at a time, and at a height in pixels below the top of the drawing; null if there is none.
  alertAt(seconds, y, slack) {
    const around = this.facts.episodes
      .map((one, index) => ({ one, index, length: this.end(one) - one.start }))
      .filter(({ one }) => one.start - slack <= seconds && seconds <= this.end(one) + slack);
    const row = Math.floor((y - GAP) / this.rowHeight);
    const named = around.filter(({ one }) => this.rules.indexOf(one.rule) === row);
    const found = named.length ? named : around;
    found.sort((p, q) => LEVELS.indexOf(q.one.level) - LEVELS.indexOf(p.one.level) || p.length - q.length);
    return found.length ? found[0].index : null;
  }
}
