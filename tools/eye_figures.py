"""What the eye net is worth, beside the eye aspect ratio of the mesh anchor in the same run."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import onnxruntime as ort
from eyes_data import CLOSED, CORNERS, CROP_HEIGHT, CROP_WIDTH, HIDDEN, LEFT_EYE, RIGHT_EYE, Mesh, aspect_ratio

from driver_monitor.eyes.patch import crop_patch, eye_patch

CLIPS = ("phone_2.mp4", "incar_3.avi", "incar_1.avi")
NOT_SCORED = {"uncertain", "face_not_visible", "occluded", "one_eye_closed", "one_eye_squint", "partial_blink"}
HIDDEN_THRESHOLDS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)


def auc(score: np.ndarray, positive: np.ndarray) -> float | None:
    """Area under the ROC curve; ties count half."""
    if positive.all() or not positive.any():
        return None
    order = np.argsort(score, kind="stable")
    _, start = np.unique(score[order], return_index=True)
    ends = np.append(start[1:], len(score))
    rank = np.empty(len(score))
    for a, b in zip(start, ends, strict=True):
        rank[order[a:b]] = (a + b + 1) / 2
    n = positive.sum()
    return float((rank[positive].sum() - n * (n + 1) / 2) / (n * (len(score) - n)))


def classify(path: Path, patches: np.ndarray) -> np.ndarray:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    run = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    x = patches[:, None].astype(np.float32) / 255
    return np.concatenate([run.run(None, {"eye": b})[0] for b in np.array_split(x, max(len(x) // 256, 1))])


def patch_of(crop: np.ndarray) -> np.ndarray:
    """Cut the patch out of a cached crop; the corners lie where `eyes_data.rectified` put them."""
    points = np.zeros((68, 2), np.float32)
    middle = np.array([(CROP_WIDTH - 1) / 2, (CROP_HEIGHT - 1) / 2])
    half = np.array([CORNERS / 2, 0])
    points[36], points[39] = middle - half, middle + half
    return eye_patch(crop, points, "right")[0]


def closedness(p: np.ndarray) -> np.ndarray:
    """Return the odds of closed among the eyes that can be read, as a share; hidden is another question."""
    return p[:, CLOSED] / (1 - p[:, HIDDEN] + 1e-6)


def pictures(p: np.ndarray, ear: np.ndarray, names: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the mean of both eyes for each picture, and the index of its first row."""
    _, first, which = np.unique(names, return_index=True, return_inverse=True)
    count = np.bincount(which)
    mean = np.stack([np.bincount(which, p[:, i]) / count for i in range(3)], 1)
    return mean, np.bincount(which, ear) / count, first


def incar(p: np.ndarray, ear: np.ndarray, names: np.ndarray, label: np.ndarray) -> dict[str, object]:
    mean, ears, first = pictures(p, ear, names)
    label = label[first]
    closed, lowered = label == "closed", label == "lowered"
    all_open, readable = lowered | (label == "open"), label != "hidden"
    out: dict[str, object] = {"pictures": {name: int((label == name).sum()) for name in np.unique(label)}}
    for name, score in (("net", closedness(mean)), ("net_p_closed", mean[:, CLOSED]), ("mesh_ear", -ears)):
        out[name] = {
            "closed_vs_open_lowered": auc(score[closed | all_open], closed[closed | all_open]),
            "closed_vs_lowered": auc(score[closed | lowered], closed[closed | lowered]),
            "false_closed_when_90_percent_found": {
                kind: float((score[label == kind] >= np.quantile(score[closed], 0.1)).mean())
                for kind in ("open", "lowered")
            },
        }
    out["hidden_auc"] = auc(mean[:, HIDDEN], ~readable)
    out["answered_hidden_at"] = {
        str(t): {name: round(float((mean[label == name, HIDDEN] > t).mean()), 3) for name in np.unique(label)}
        for t in HIDDEN_THRESHOLDS
    }
    return out


def loose(folder: Path, fold: np.ndarray, data: dict[str, np.ndarray], nets: list[Path]) -> dict[str, object]:
    """Five-fold AUC on the ready-made crops, mapped as at run time."""
    out: dict[str, object] = {}
    for source, name in (("web", "web_24px.npz"), ("closeup", "closeup_96px.npz")):
        z = np.load(folder / name)
        patches = np.stack([crop_patch(image) for image in z["images"]])
        folds, closed, score = fold[data["source"] == source], z["closed"] > 0, np.empty(len(patches))
        for i, net in enumerate(nets):
            score[folds == i] = closedness(classify(net, patches[folds == i]))
        out[source] = {"auc": auc(score, closed), "accuracy_at_half": float(((score > 0.5) == closed).mean())}
    return out


def read_clip(path: Path, mesh: Mesh) -> dict[str, np.ndarray]:
    """Patches and EAR of every frame; NaN where the mesh finds no face."""
    import av

    patches, ears = [], []
    with av.open(str(path)) as clip:
        for frame in clip.decode(video=0):
            grey = cv2.cvtColor(frame.to_ndarray(format="bgr24"), cv2.COLOR_BGR2GRAY)
            points = mesh.points(grey)
            if points is None:
                patches.append(np.zeros((2, 32, 48), np.uint8))
                ears.append((np.nan, np.nan))
                continue
            patches.append(np.stack([eye_patch(grey, points, "right")[0], eye_patch(grey, points, "left")[0]]))
            ears.append((aspect_ratio(points, RIGHT_EYE), aspect_ratio(points, LEFT_EYE)))
    return {"patches": np.stack(patches), "ear": np.array(ears)}


def scored(labels: Path, frames: int) -> tuple[np.ndarray, np.ndarray]:
    """Return which frames are closed and which count (see the data set's README)."""
    closed, counts = np.zeros(frames, bool), np.ones(frames, bool)
    for event in json.loads(labels.read_text())["events"]:
        first, last = event["start"], event["end"]
        if event["type"] == "eyes_closed":
            closed[first : last + 1] = True
        elif event["type"] in NOT_SCORED:
            counts[first : last + 1] = False
    edge = np.flatnonzero(np.diff(closed.astype(int)))
    counts[edge] = counts[edge + 1] = False
    return closed, counts


def clips(data: Path, unseen: dict[str, Path], final: Path, mesh: Mesh, work: Path) -> dict[str, object]:
    """Frame AUC on clips. Some drivers are among the in-car stills: there the net that has not seen them answers."""
    out: dict[str, object] = {}
    for name in CLIPS:
        cache = work / f"{name}.npz"
        if not cache.exists():
            np.savez(cache, **read_clip(data / "clips" / name, mesh))
        clip = np.load(cache)
        labels = data / "labels" / f"{name.split('.')[0]}.json"
        net = unseen.get(json.loads(labels.read_text())["person"], final)
        p = classify(net, clip["patches"].reshape(-1, 32, 48)).reshape(-1, 2, 3).mean(1)
        ear = clip["ear"].mean(1)
        closed, counts = scored(labels, len(ear))
        use = counts & np.isfinite(ear)
        out[name] = {
            "net_of": net.stem, "frames": int(use.sum()),
            "closed": int(closed[use].sum()), "mesh_finds": float(np.isfinite(ear).mean()),
            "net": auc(closedness(p)[use], closed[use]), "mesh_ear": auc(-ear[use], closed[use]),
            "closed_above_half": float((closedness(p)[use & closed] > 0.5).mean()),
            "open_above_half": float((closedness(p)[use & ~closed] > 0.5).mean()),
            "median_p_hidden": float(np.median(p[use, HIDDEN])),
            "share_hidden_above_0.6": float((p[use, HIDDEN] > 0.6).mean()),
        }  # fmt: skip
    return out


def infrared(data: dict[str, np.ndarray], patches: np.ndarray, net: Path) -> dict[str, object]:
    rows = (data["source"] == "nir") & np.isin(data["label"], ("open", "closed"))
    mean, ears, first = pictures(classify(net, patches[rows]), data["ear"][rows], data["picture"][rows])
    closed = data["label"][rows][first] == "closed"
    return {
        "pictures": len(closed), "closed": int(closed.sum()), "net": auc(closedness(mean), closed),
        "mesh_ear": auc(-ears, closed), "answered_hidden_at_0.6": float((mean[:, HIDDEN] > 0.6).mean()),
    }  # fmt: skip


def measure(
    data: dict[str, np.ndarray], fold: np.ndarray, nets: list[Path], final: Path, *, shared: Path, work: Path
) -> dict[str, object]:
    """Return all figures. `nets`: one for each fold, which has not seen it; `final`: the net that saw all."""
    folder = shared / "data"
    labelled = np.isin(data["source"], ("incar", "nir")) & (data["label"] != "unsure")
    patches = np.zeros((len(labelled), 32, 48), np.uint8)
    patches[labelled] = [patch_of(crop) for crop in data["crop"][labelled]]
    rows = np.flatnonzero(labelled & (data["source"] == "incar"))
    p = np.empty((len(rows), 3))
    for i, net in enumerate(nets):
        p[fold[rows] == i] = classify(net, patches[rows[fold[rows] == i]])
    np.savez(work / "incar_out_of_fold.npz", p=p, rows=rows)
    unseen = {str(person): nets[f] for person, f in zip(data["person"][rows], fold[rows], strict=True)}
    return {
        "incar_five_fold_by_person": incar(p, data["ear"][rows], data["picture"][rows], data["label"][rows]),
        **loose(folder / "eyes", fold, data, nets),
        "nir": infrared(data, patches, final),
        "clips": clips(folder, unseen, final, Mesh(shared / "anchors"), work),
        "bytes": final.stat().st_size,
    }
