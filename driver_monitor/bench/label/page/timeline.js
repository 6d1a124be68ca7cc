// Draws the time line: labels and suggestions as bands, what is reviewed, and the signals as curves.

export const COLOURS = {
  eyes_closed: "#c2185b", eyes_lowered: "#8e6a00", look_away: "#1565c0", look_away_marginal: "#4d7ea8", yawn: "#2e7d32",
  mouth_wide_open: "#5d7d3a", talking_or_laughing: "#00796b", uncertain: "#616161", uncertain_head: "#616161",
  uncertain_mouth: "#616161", face_not_visible: "#4e342e", occluded: "#6d4c41", one_eye_closed: "#8e24aa",
  one_eye_squint: "#7b5aa6", partial_blink: "#ad5b7e", blink: "#a0616f",
};
const LANES = [
  ["eyes", ["eyes_closed", "eyes_lowered", "uncertain", "face_not_visible", "occluded", "one_eye_closed", "one_eye_squint", "partial_blink", "blink"]],
  ["head", ["look_away", "look_away_marginal", "uncertain_head"]],
  ["mouth", ["yawn", "mouth_wide_open", "talking_or_laughing", "uncertain_mouth"]],
];
const CURVES = [
  ["eyes.openness", "openness", 0, 1.3, "--curve"],
  ["eyes.p_closed", "p closed", 0, 1, "--curve2"],
  ["gaze.yaw", "gaze yaw, + left", -60, 60, "--curve"],
  ["mouth.opening", "mouth", 0, 1, "--curve2"],
];
const BAND = 17;
const LEFT = 62;

export function laneOf(type) {
  const found = LANES.findIndex(([, types]) => types.includes(type));
  return found < 0 ? LANES.length : found;
}

function prepared(canvas) {
  const ratio = window.devicePixelRatio || 1;
  const { width, height } = canvas.getBoundingClientRect();
  if (canvas.width !== Math.round(width * ratio)) canvas.width = Math.round(width * ratio);
  if (canvas.height !== Math.round(height * ratio)) canvas.height = Math.round(height * ratio);
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  context.font = "11px system-ui, sans-serif";
  return [context, width, height];
}

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

export class Timeline {
  constructor(detail, overview) {
    this.detail = detail;
    this.overview = overview;
    this.span = 200;
  }

  // First frame and number of frames in the detail.
  window(view) {
    const span = Math.min(this.span, view.frames);
    return [Math.max(0, Math.min(view.frames - span, Math.round(view.frame - span / 2))), span];
  }

  frameAt(canvas, clientX, view) {
    const { left, width } = canvas.getBoundingClientRect();
    const [first, span] = canvas === this.detail ? this.window(view) : [0, view.frames];
    const share = (clientX - left - LEFT) / (width - LEFT);
    return Math.max(0, Math.min(view.frames - 1, Math.floor(first + share * span)));
  }

  // The label or suggestion under the pointer, or null.
  hit(clientX, clientY, view) {
    const { top } = this.detail.getBoundingClientRect();
    const lane = Math.floor((clientY - top - 8) / BAND);
    const frame = this.frameAt(this.detail, clientX, view);
    const inside = (one) => laneOf(one.type) === lane && one.start <= frame && frame <= one.end;
    return view.events.findLast(inside) ?? view.suggestions.find(inside) ?? null;
  }

  draw(view) {
    this.drawDetail(view);
    this.drawOverview(view);
  }

  drawDetail(view) {
    const [context, width, height] = prepared(this.detail);
    const [first, span] = this.window(view);
    const x = (frame) => LEFT + ((frame - first) / span) * (width - LEFT);
    this.drawReviewed(context, view, x, 0, 6, width);
    LANES.concat([["other"]]).forEach(([name], lane) => this.name(context, name, 8 + lane * BAND + 12));
    for (const one of view.suggestions) this.band(context, one, x, view, true);
    for (const one of view.events) this.band(context, one, x, view, false);
    if (view.begin !== null) {
      const pending = { type: view.type, start: Math.min(view.begin, view.frame), end: Math.max(view.begin, view.frame) };
      this.band(context, pending, x, view, true);
    }
    const top = 10 + BAND * (LANES.length + 1);
    const each = (height - top) / CURVES.length;
    CURVES.forEach((curve, row) => this.curve(context, curve, view, x, [first, span], top + row * each, each - 3));
    context.fillStyle = colour("--text");
    context.fillRect(x(view.frame), 0, 1, height);
    context.globalAlpha = 0.18;
    context.fillRect(x(view.frame), 0, Math.max(2, x(view.frame + 1) - x(view.frame)), height);
    context.globalAlpha = 1;
  }

  name(context, text, y) {
    context.fillStyle = colour("--text");
    context.fillText(text, 0, y, LEFT - 4);
  }

  drawReviewed(context, view, x, y, height, width) {
    context.fillStyle = colour("--unseen");
    context.fillRect(LEFT, y, width - LEFT, height);
    context.fillStyle = colour("--good");
    for (const [first, last] of view.reviewed) {
      const from = Math.max(LEFT, x(first));
      context.fillRect(from, y, Math.max(0, x(last + 1) - from), height);
    }
  }

  // A label is filled. A suggestion has a dashed outline only.
  band(context, one, x, view, open) {
    const y = 8 + laneOf(one.type) * BAND;
    const from = Math.max(LEFT, x(one.start));
    const wide = Math.max(2, x(one.end + 1) - from);
    if (x(one.end + 1) < LEFT || x(one.start) > this.detail.width) return;
    const tone = COLOURS[one.type] ?? "#616161";
    if (open) {
      context.strokeStyle = colour("--text");
      context.setLineDash([3, 3]);
      context.strokeRect(from + 0.5, y + 1.5, wide - 1, BAND - 4);
      context.setLineDash([]);
    } else {
      context.fillStyle = tone;
      context.fillRect(from, y, wide, BAND - 2);
    }
    if (one === view.chosen) {
      context.lineWidth = 2;
      context.strokeStyle = colour("--mark");
      context.strokeRect(from, y, wide, BAND - 2);
      context.lineWidth = 1;
    }
    if (wide > 24) {
      context.fillStyle = open ? colour("--text") : "#fff";
      context.fillText(`${one.type}${one.direction ? ` ${one.direction}` : ""}${open ? " ?" : ""}`, from + 3, y + 11, wide - 4);
    }
  }

  curve(context, [name, title, low, high, tone], view, x, [first, span], top, height) {
    this.name(context, title, top + height / 2 + 4);
    context.strokeStyle = colour("--line");
    context.strokeRect(LEFT + 0.5, top + 0.5, context.canvas.width, height);
    context.strokeStyle = colour(tone);
    context.beginPath();
    const values = view.signals[name];
    let drawing = false;
    for (let frame = first; frame < Math.min(view.frames, first + span); frame += 1) {
      const value = values[frame];
      if (value === null) {
        drawing = false;
        continue;
      }
      const y = top + height - (Math.max(low, Math.min(high, value)) - low) / (high - low) * height;
      if (drawing) context.lineTo(x(frame + 0.5), y);
      else context.moveTo(x(frame + 0.5) - 0.5, y);
      context.lineTo(x(frame + 0.5), y);
      drawing = true;
    }
    context.stroke();
  }

  drawOverview(view) {
    const [context, width, height] = prepared(this.overview);
    const x = (frame) => LEFT + (frame / view.frames) * (width - LEFT);
    this.name(context, "whole clip", 20);
    this.drawReviewed(context, view, x, 0, 5, width);
    const each = (height - 6) / (LANES.length + 1);
    const wide = (one) => Math.max(1.5, x(one.end + 1) - x(one.start));
    context.strokeStyle = colour("--text");
    for (const one of view.suggestions) {
      context.strokeRect(x(one.start), 7 + laneOf(one.type) * each, wide(one), each - 2);
    }
    for (const one of view.events) {
      context.fillStyle = COLOURS[one.type] ?? "#616161";
      context.fillRect(x(one.start), 6 + laneOf(one.type) * each, wide(one), each - 1);
    }
    const [first, span] = this.window(view);
    context.strokeStyle = colour("--mark");
    context.lineWidth = 2;
    context.strokeRect(x(first), 1, x(first + span) - x(first) - 1, height - 2);
    context.lineWidth = 1;
    context.fillStyle = colour("--text");
    context.fillRect(x(view.frame), 0, 1.5, height);
  }
}
