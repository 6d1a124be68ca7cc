"use strict";

const POWERS = [1, 10, 100, 1000, 10000, 100000, 1000000];

// Unpacks the element that holds the text of bench/report/packing.py. Returns name -> {values} or {codes, table}; see there.
async function unpackSeries(id, series, frames) {
  const bytes = new Uint8Array(await (await unpackText(id)).arrayBuffer());
  const found = new Map();
  for (const one of series) {
    if (one.kind === "floats") {
      const block = bytes.slice(one.at, one.at + 8 * frames);
      found.set(one.name, { values: new Float64Array(block.buffer) });
      continue;
    }
    const steps = unpackSteps(bytes, one.at, frames);
    if (one.table) {
      const codes = new Uint8Array(frames);
      for (let i = 0; i < frames; i++) codes[i] = Number.isNaN(steps[i]) ? 0 : steps[i] + 1;
      found.set(one.name, { codes, table: one.table });
    } else {
      const power = POWERS[one.digits];
      for (let i = 0; i < frames; i++) steps[i] /= power;
      found.set(one.name, { values: steps });
    }
  }
  return found;
}

// Returns whole numbers, NaN where unknown.
function unpackSteps(bytes, at, frames) {
  const whole = new Float64Array(frames);
  let last = 0;
  for (let i = 0; i < frames; i++) {
    const p = at + i;
    const code =
      (bytes[p] | (bytes[p + frames] << 8) | (bytes[p + 2 * frames] << 16) | (bytes[p + 3 * frames] << 24)) >>> 0;
    if (code === 0) {
      whole[i] = NaN;
    } else {
      last += code % 2 ? (code - 1) / 2 : -code / 2;
      whole[i] = last;
    }
  }
  return whole;
}

// The value of one series in one frame, as in signals.jsonl: a number, a word, true, false or null.
function valueAt(one, i) {
  if (one.codes) return one.codes[i] ? one.table[one.codes[i] - 1] : null;
  return Number.isNaN(one.values[i]) ? null : one.values[i];
}

// First index at which the ascending numbers are not below `wanted`.
function firstFrom(values, wanted) {
  let low = 0, high = values.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle] < wanted) low = middle + 1; else high = middle;
  }
  return low;
}

// Splits frames i0 to i1 into at most `most` groups: [[first, end], ...].
function groupsOf(i0, i1, most) {
  const size = Math.max(1, Math.ceil((i1 - i0) / most));
  const groups = [];
  for (let i = i0; i < i1; i += size) groups.push([i, Math.min(i + size, i1)]);
  return groups;
}

// The lowest, the middle and the highest known value of each group; each is a value of the run. null: all unknown.
function levels(t, values, groups) {
  const found = { x: [], low: [], middle: [], high: [] };
  for (const [first, end] of groups) {
    const known = values.slice(first, end).filter((value) => !Number.isNaN(value)).sort();
    const at = (k) => (known.length ? known[k] : null);
    found.x.push(t[first]);
    found.low.push(at(0));
    found.middle.push(at(known.length >> 1));
    found.high.push(at(known.length - 1));
  }
  return found;
}

// The outline of the area between two lines: one closed line for each stretch in which both are known.
function outline(x, low, high) {
  const area = { x: [], y: [] };
  for (let k = 0, next; k < x.length; k = next) {
    for (next = k; next < x.length && low[next] !== null && high[next] !== null; next++);
    if (next === k) { next = k + 1; continue; }
    for (let i = k; i < next; i++) { area.x.push(x[i]); area.y.push(high[i]); }
    for (let i = next - 1; i >= k; i--) { area.x.push(x[i]); area.y.push(low[i]); }
    area.x.push(null);
    area.y.push(null);
  }
  return area;
}

// Stretches in which a part is unknown: [[start, end, whole], ...] in seconds. `whole` false: for a part of the time.
// `edges`: the time at which each frame begins, and at which the last one ends.
function unknownStretches(edges, codes, groups) {
  const found = [];
  for (const [first, end] of groups) {
    let unknown = 0;
    for (let i = first; i < end; i++) unknown += codes[i] ? 1 : 0;
    if (!unknown) continue;
    const whole = unknown === end - first, start = edges[first], stop = edges[end];
    const last = found[found.length - 1];
    if (last && last[2] === whole && last[1] === start) last[1] = stop; else found.push([start, stop, whole]);
  }
  return found;
}

// The most frequent code of each group.
function commonest(codes, groups) {
  const counts = new Uint32Array(256);
  return groups.map(([first, end]) => {
    let best = codes[first];
    counts.fill(0);
    for (let i = first; i < end; i++) if (++counts[codes[i]] > counts[best]) best = codes[i];
    return best;
  });
}
