// The pictures of frames: fetched in the order in which they are needed, and kept while there is room.

const AT_ONCE = 4;
const KEEP_PIXELS = 50e6;

export class Pictures {
  constructor(clip, onReady, onFault) {
    this.clip = clip;
    this.onReady = onReady;
    this.onFault = onFault;
    this.kept = new Map();
    this.pixels = 0;
    this.loading = new Set();
    this.wanted = [];
    this.closed = false;
  }

  get(frame) {
    const found = this.kept.get(frame);
    if (found) {
      this.kept.delete(frame);
      this.kept.set(frame, found);
    }
    return found ?? null;
  }

  want(frames) {
    this.wanted = frames.filter((frame) => !this.kept.has(frame));
    this.pump();
  }

  pump() {
    while (this.loading.size < AT_ONCE) {
      const next = this.wanted.find((frame) => !this.loading.has(frame) && !this.kept.has(frame));
      if (next === undefined || this.closed) return;
      this.loading.add(next);
      this.load(next);
    }
  }

  async load(frame) {
    try {
      const answer = await fetch(`/clip/${this.clip}/${frame}.jpg`);
      if (!answer.ok) throw new Error(await answer.text());
      const bitmap = await createImageBitmap(await answer.blob());
      this.keep(frame, bitmap);
      this.onReady(frame);
    } catch (error) {
      this.wanted = [];
      this.onFault(`Frame ${frame} cannot be shown: ${error.message}`);
    } finally {
      this.loading.delete(frame);
      this.pump();
    }
  }

  keep(frame, bitmap) {
    this.kept.set(frame, bitmap);
    this.pixels += bitmap.width * bitmap.height;
    for (const [old, gone] of this.kept) {
      if (this.pixels <= KEEP_PIXELS || old === frame) break;
      this.kept.delete(old);
      this.pixels -= gone.width * gone.height;
      gone.close();
    }
  }

  close() {
    this.closed = true;
    for (const bitmap of this.kept.values()) bitmap.close();
    this.kept.clear();
  }
}
