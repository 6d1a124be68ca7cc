// All keys of the page. The list of keys, the buttons and docs/label.md show the same ones.

export const TYPES = [
  ["1", "eyes_closed"],
  ["2", "eyes_lowered"],
  ["3", "look_away"],
  ["4", "yawn"],
  ["5", "uncertain"],
  ["6", "face_not_visible"],
  ["7", "occluded"],
  ["8", "one_eye_closed"],
  ["9", "talking_or_laughing"],
  ["0", "partial_blink"],
];
export const OTHERS = [
  "one_eye_squint", "look_away_marginal", "mouth_wide_open", "uncertain_head", "uncertain_mouth", "blink",
];

// Keys as shown, what they do, name of the action, text of the button (or none).
export const KEYS = [
  ["←, →", "one frame back, on", "", ""],
  ["Shift+←, Shift+→", "ten frames back, on", "", ""],
  ["Home, End", "first, last frame", "", ""],
  ["Page Up, Page Down", "label before, after this frame", "", ""],
  ["Space", "play, stop", "play", "Play"],
  [",", "play slower", "slower", "Slower"],
  [".", "play faster", "faster", "Faster"],
  ["1 … 9, 0", "type of the next label", "", ""],
  ["[ or i", "a label begins at this frame", "begin", "Begin"],
  ["] or o", "it ends at this frame", "end", "End"],
  ["w, a, s, d", "direction in the picture: up, left, down, right", "", ""],
  ["Shift+I, Shift+O", "move begin, end of the chosen label to this frame", "", ""],
  ["t", "give the chosen label the type of the next label", "retype", "Change type"],
  ["c", "the chosen label is unsure, or sure again", "unsure", "Unsure"],
  ["Delete", "remove the chosen label", "remove", "Remove"],
  ["z", "undo", "undo", "Undo"],
  ["y or Shift+Z", "redo", "redo", "Redo"],
  ["Tab or n", "next suggestion", "next", "Next suggestion"],
  ["Shift+Tab or Shift+N", "suggestion before", "previous", "Suggestion before"],
  ["Enter", "accept the suggestion: it becomes a label", "accept", "Accept"],
  ["x", "reject the suggestion", "reject", "Reject"],
  ["r", "all up to this frame is reviewed", "review", "Reviewed up to here"],
  ["Shift+R", "from this frame on it is not reviewed", "unreview", "Not reviewed from here"],
  ["e", "enlarge the eyes, or show the whole picture", "zoom", "Enlarge eyes"],
  ["g", "hide suggestions, or show them", "suggestions", "Hide suggestions"],
  ["+, -", "shorter, longer time in the time line", "", ""],
  ["Escape", "forget the begin, choose nothing; Tab then leaves the picture", "escape", ""],
  ["?", "show the keys", "help", ""],
];

const PLAIN = {
  " ": "play", ",": "slower", ".": "faster", "[": "begin", i: "begin", "]": "end", o: "end", t: "retype", c: "unsure",
  Delete: "remove", Backspace: "remove", z: "undo", Z: "redo", y: "redo", n: "next", N: "previous", Enter: "accept",
  x: "reject", r: "review", R: "unreview", e: "zoom", g: "suggestions", "+": "closer", "=": "closer", "-": "wider",
  Escape: "escape", "?": "help", I: "moveBegin", O: "moveEnd", Home: "first", End: "last", PageUp: "labelBefore",
  PageDown: "labelAfter", w: "up", a: "left", s: "down", d: "right",
};

// The action of a key press, or null.
export function actionOf(event) {
  if (event.altKey || event.metaKey) return null;
  if (event.ctrlKey) return { z: event.shiftKey ? "redo" : "undo", Z: "redo", y: "redo" }[event.key] ?? null;
  if (event.key === "ArrowLeft" || event.key === "ArrowRight") {
    return ["step", (event.key === "ArrowLeft" ? -1 : 1) * (event.shiftKey ? 10 : 1)];
  }
  if (event.key === "Tab") return event.shiftKey ? "previous" : "next";
  const type = TYPES.find(([key]) => key === event.key);
  if (type) return ["type", type[1]];
  return PLAIN[event.key] ?? null;
}
