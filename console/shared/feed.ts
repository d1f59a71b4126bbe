/**
 * Keeping a screen in step with the hub: the rules of "Resume" in docs/api.md, without any framework or transport.
 *
 * The feed (`GET …/events?after=`) is the truth, a push is a shortcut to it. `Feed` holds the cursor and hands every
 * entry to `apply` exactly once, in the feed's order, however pushes are lost, repeated, delayed or mixed with a resync.
 */

export interface FeedPage<Entry> {
  entries: Entry[];
  cursor: string;
  more: boolean;
}

/** `after` is the cursor that the push continues from. Without it nothing shows what came before, so the feed is asked. */
export interface FeedPush<Entry> {
  after?: string | null;
  entries: Entry[];
  cursor: string;
}

/** `live`: pushes arrive; `catching_up`: asking the feed; `offline`: no connection, nothing is known. */
export type FeedState = "offline" | "catching_up" | "live";

export interface FeedOptions<Entry> {
  /** Where the screen's data was read; null asks the feed for "now" first. */
  cursor: string | null;
  /** One page of the feed. A rejection is tried again until `disconnected()` or `stop()`. */
  load: (after: string | null) => Promise<FeedPage<Entry>>;
  apply: (entries: Entry[]) => void;
  onState?: (state: FeedState) => void;
  /**
   * Called instead of replaying when more than `pageLimit` pages were missed (a laptop that slept for a night): the
   * cursor is "now" again and whatever was loaded before has to be loaded afresh.
   */
  onTooFarBehind?: () => void;
  pageLimit?: number;
  /** Milliseconds before the n-th repetition of a failed load. */
  retryDelay?: (attempt: number) => number;
}

/** Whether `cursor` lies after `other`. Both are `xid.id`, a pair of integers that can exceed 2^53. */
export function isAfter(cursor: string, other: string): boolean {
  const [xid = "0", id = "0"] = cursor.split(".");
  const [otherXid = "0", otherId = "0"] = other.split(".");
  const difference = BigInt(xid) - BigInt(otherXid) || BigInt(id) - BigInt(otherId);
  return difference > 0n;
}

export class Feed<Entry extends { cursor: string }> {
  private position: string | null;
  /** Counts connects and disconnects: an answer that was asked for under an earlier one is dropped. */
  private connection = 0;
  private connected = false;
  private resyncing = false;
  private askAgain = false;
  private held: FeedPush<Entry>[] = [];
  private endPause: () => void = () => undefined;

  constructor(private readonly options: FeedOptions<Entry>) {
    this.position = options.cursor;
  }

  get cursor(): string | null {
    return this.position;
  }

  /** The socket has joined: from here on pushes arrive, so the feed can be asked for what was missed before. */
  joined(): void {
    this.connection += 1;
    this.connected = true;
    this.held = [];
    void this.resync();
  }

  /** The connection is gone, or the screen is: pushes and answers that still arrive are ignored until `joined()`. */
  disconnected(): void {
    this.connection += 1;
    this.connected = false;
    this.held = [];
    this.endPause();
    this.options.onState?.("offline");
  }

  /** Asks the feed though nothing was pushed: the poll of a screen that has no socket. */
  look(): void {
    if (!this.connected) this.joined();
    else if (this.resyncing) this.askAgain = true;
    else void this.resync();
  }

  push(push: FeedPush<Entry>): void {
    if (!this.connected) return;
    if (this.resyncing) this.held.push(push);
    else if (!this.accept(push)) void this.resync();
  }

  /** False when entries before this push are missing. */
  private accept(push: FeedPush<Entry>): boolean {
    if (this.position === null) return false;
    if (!isAfter(push.cursor, this.position)) return true;
    if (push.after === undefined || push.after === null || isAfter(push.after, this.position)) return false;
    this.take(push);
    return true;
  }

  private take(part: { entries: Entry[]; cursor: string }): void {
    const position = this.position;
    const fresh = position === null ? part.entries : part.entries.filter((entry) => isAfter(entry.cursor, position));
    if (position === null || isAfter(part.cursor, position)) this.position = part.cursor;
    if (fresh.length > 0) this.options.apply(fresh);
  }

  private async resync(): Promise<void> {
    const connection = this.connection;
    const pageLimit = this.options.pageLimit ?? Infinity;
    let failures = 0;
    let pages = 0;
    this.resyncing = true;
    this.options.onState?.("catching_up");
    for (;;) {
      this.askAgain = false;
      let page: FeedPage<Entry>;
      try {
        page = await this.options.load(this.position);
      } catch {
        // A server that restarts refuses for a while; whether it is truly gone, the socket says.
        if (connection === this.connection) await this.pause(failures++);
        if (connection !== this.connection) return;
        continue;
      }
      if (connection !== this.connection) return;
      failures = 0;
      pages += 1;
      this.take(page);
      if (page.more && pages === pageLimit) {
        this.position = null;
        this.held = [];
      } else {
        // "Now" was asked for only because too much was missed.
        if (pages === pageLimit + 1) this.options.onTooFarBehind?.();
        if (!page.more && this.drain()) break;
      }
    }
    this.resyncing = false;
    this.options.onState?.("live");
  }

  /** Applies the pushes that came meanwhile; false when one of them shows a gap or the feed is to be asked again. */
  private drain(): boolean {
    for (let push = this.held.shift(); push; push = this.held.shift()) {
      if (!this.accept(push)) return false;
    }
    return !this.askAgain;
  }

  private pause(attempt: number): Promise<void> {
    const delay = this.options.retryDelay?.(attempt) ?? Math.min(500 * 2 ** attempt, 10_000);
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, delay);
      this.endPause = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
