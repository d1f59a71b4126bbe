import type { Entry } from "@centralita/shared/api";

const KEPT = 1000;

/**
 * The entries that arrived of late. An answer that was asked for before an entry arrived and comes in after it would
 * undo what the entry said: whoever asks takes a mark first and applies `since(mark)` to the answer.
 */
export class Journal {
  private entries: Entry[] = [];
  private dropped = 0;

  add(entries: Entry[]): void {
    this.entries.push(...entries);
    const surplus = this.entries.length - KEPT;
    if (surplus > 0) {
      this.entries.splice(0, surplus);
      this.dropped += surplus;
    }
  }

  mark(): number {
    return this.dropped + this.entries.length;
  }

  since(mark: number): Entry[] {
    return this.entries.slice(Math.max(0, mark - this.dropped));
  }
}

export const journal = new Journal();
