import { beforeEach, describe, expect, it, vi } from "vitest";

import { Feed, isAfter, type FeedPage, type FeedState } from "./feed";

interface Fact {
  cursor: string;
}

/** A hub with a log: answers the feed in pages, and each answer waits until the test lets it go. */
class Hub {
  log: Fact[] = [];
  waiting: { after: string | null; answer: () => void; fail: () => void }[] = [];
  pageSize = 3;

  happens(count = 1): Fact[] {
    const entries = Array.from({ length: count }, (_, n) => ({ cursor: `7.${this.log.length + n + 1}` }));
    this.log.push(...entries);
    return entries;
  }

  pushOf(entries: Fact[]) {
    const first = this.log.findIndex((entry) => entry.cursor === entries[0]?.cursor);
    return { after: this.cursorAt(first), entries, cursor: entries.at(-1)?.cursor ?? "" };
  }

  cursorAt(count: number): string {
    return this.log[count - 1]?.cursor ?? "0.0";
  }

  load = (after: string | null): Promise<FeedPage<Fact>> =>
    new Promise((resolve, reject) => {
      this.waiting.push({
        after,
        answer: () => {
          resolve(this.page(after));
        },
        fail: () => {
          reject(new Error("refused"));
        },
      });
    });

  private page(after: string | null): FeedPage<Fact> {
    if (after === null) return { entries: [], cursor: this.cursorAt(this.log.length), more: false };
    const rest = this.log.filter((entry) => isAfter(entry.cursor, after));
    const entries = rest.slice(0, this.pageSize);
    return { entries, cursor: entries.at(-1)?.cursor ?? after, more: rest.length > entries.length };
  }

  async settle(): Promise<void> {
    for (let next = this.waiting.shift(); next; next = this.waiting.shift()) {
      next.answer();
      await tick();
    }
  }
}

const tick = () => new Promise((resolve) => setTimeout(resolve, 0));

let hub: Hub;
let seen: Fact[];
let states: FeedState[];
let apply: (entries: Fact[]) => void;

beforeEach(() => {
  hub = new Hub();
  seen = [];
  states = [];
  apply = (entries) => seen.push(...entries);
});

function feedFrom(cursor: string | null, more: { pageLimit?: number; onTooFarBehind?: () => void } = {}): Feed<Fact> {
  return new Feed<Fact>({
    cursor,
    load: hub.load,
    apply,
    onState: (state) => states.push(state),
    retryDelay: () => 0,
    ...more,
  });
}

async function liveFeed(): Promise<Feed<Fact>> {
  const feed = feedFrom("0.0");
  feed.joined();
  await hub.settle();
  return feed;
}

describe("cursors", () => {
  it("are pairs of integers, not text and not decimals", () => {
    expect(isAfter("10.1", "9.2")).toBe(true);
    expect(isAfter("9.10", "9.9")).toBe(true);
    expect(isAfter("9.9", "9.10")).toBe(false);
    expect(isAfter("9.9", "9.9")).toBe(false);
  });

  it("keep their order beyond 2^53", () => {
    expect(isAfter("18446744073709551615.2", "18446744073709551614.3")).toBe(true);
    expect(isAfter("1.9007199254740993", "1.9007199254740992")).toBe(true);
  });
});

describe("resume", () => {
  it("fetches page after page what was missed, then is live", async () => {
    hub.happens(8);
    const feed = feedFrom("7.2");
    feed.joined();
    expect(states).toEqual(["catching_up"]);
    await hub.settle();
    expect(seen).toEqual(hub.log.slice(2));
    expect(states).toEqual(["catching_up", "live"]);
    expect(feed.cursor).toBe("7.8");
  });

  it("starts at now without a cursor", async () => {
    hub.happens(5);
    const feed = feedFrom(null);
    feed.joined();
    await hub.settle();
    expect(seen).toEqual([]);
    feed.push(hub.pushOf(hub.happens()));
    expect(seen).toEqual([{ cursor: "7.6" }]);
  });

  it("holds pushes while catching up and applies each entry once, in order", async () => {
    const missed = hub.happens(2);
    const feed = feedFrom("0.0");
    feed.joined();
    feed.push(hub.pushOf(missed.slice(1)));
    const pushed = hub.happens(1);
    hub.waiting.shift()?.answer();
    feed.push(hub.pushOf(pushed));
    await tick();
    await hub.settle();
    expect(seen).toEqual(hub.log);
  });

  it("loses nothing of 60 s offline and doubles nothing", async () => {
    const feed = await liveFeed();
    feed.push(hub.pushOf(hub.happens(2)));
    feed.disconnected();
    const missed = hub.happens(7);
    feed.push(hub.pushOf(missed));
    expect(seen).toHaveLength(2);
    feed.joined();
    await hub.settle();
    expect(seen).toEqual(hub.log);
    expect(states).toEqual(["catching_up", "live", "offline", "catching_up", "live"]);
  });

  it("drops the answer of an earlier connection", async () => {
    hub.happens(2);
    const feed = feedFrom("0.0");
    feed.joined();
    const old = hub.waiting.shift();
    feed.disconnected();
    feed.joined();
    await hub.settle();
    old?.answer();
    await tick();
    expect(seen).toEqual(hub.log);
    expect(states.at(-1)).toBe("live");
  });

  it("asks again after a failure, and stops asking once stopped", async () => {
    hub.happens(1);
    const feed = feedFrom("0.0");
    feed.joined();
    hub.waiting.shift()?.fail();
    await vi.waitFor(() => expect(hub.waiting).toHaveLength(1));
    await hub.settle();
    expect(seen).toEqual(hub.log);

    feed.joined();
    feed.disconnected();
    hub.waiting.shift()?.fail();
    await tick();
    await tick();
    expect(hub.waiting).toHaveLength(0);
  });

  it("starts afresh instead of replaying a night", async () => {
    hub.happens(20);
    const onTooFarBehind = vi.fn();
    const feed = feedFrom("0.0", { pageLimit: 2, onTooFarBehind });
    feed.joined();
    await hub.settle();
    expect(onTooFarBehind).toHaveBeenCalledOnce();
    expect(seen).toEqual(hub.log.slice(0, 6));
    expect(feed.cursor).toBe("7.20");
    expect(states.at(-1)).toBe("live");
    feed.push(hub.pushOf(hub.happens(1)));
    expect(seen).toHaveLength(7);
  });
});

describe("pushes", () => {
  it("that repeat or overlap are applied once", async () => {
    const feed = await liveFeed();
    const entries = hub.happens(3);
    feed.push(hub.pushOf(entries.slice(0, 2)));
    feed.push(hub.pushOf(entries.slice(0, 2)));
    feed.push(hub.pushOf(entries));
    expect(seen).toEqual(hub.log);
    expect(hub.waiting).toHaveLength(0);
  });

  it("beyond the cursor show a gap: the feed is asked", async () => {
    const feed = await liveFeed();
    hub.happens(2);
    feed.push(hub.pushOf(hub.happens(1)));
    expect(seen).toEqual([]);
    expect(hub.waiting.map((request) => request.after)).toEqual(["0.0"]);
    await hub.settle();
    expect(seen).toEqual(hub.log);
  });

  it("in the wrong order end in the feed's order", async () => {
    const feed = await liveFeed();
    const [first, second] = [hub.pushOf(hub.happens(1)), hub.pushOf(hub.happens(1))];
    feed.push(second);
    feed.push(first);
    await hub.settle();
    expect(seen).toEqual(hub.log);
  });

  it("without `after` prove nothing about what came before: the feed is asked", async () => {
    const feed = await liveFeed();
    const entries = hub.happens(1);
    feed.push({ entries, cursor: "7.1" });
    expect(seen).toEqual([]);
    await hub.settle();
    expect(seen).toEqual(entries);
  });

  it("that fall into a resync with a gap make it ask once more", async () => {
    hub.happens(1);
    const feed = feedFrom("0.0");
    feed.joined();
    hub.waiting.shift()?.answer();
    hub.happens(1);
    feed.push(hub.pushOf(hub.happens(1)));
    await tick();
    await hub.settle();
    expect(seen).toEqual(hub.log);
  });
});

describe("polling", () => {
  it("looks without a socket, and again when asked during an answer", async () => {
    const feed = feedFrom("0.0");
    hub.happens(1);
    feed.look();
    hub.waiting.shift()?.answer();
    hub.happens(1);
    feed.look();
    await tick();
    await hub.settle();
    expect(seen).toEqual(hub.log);
  });
});

describe("any schedule", () => {
  it("of pushes, losses, repeats, delays, failures and reconnects leaves no gap and no double", async () => {
    for (let seed = 1; seed <= 100; seed++) {
      hub = new Hub();
      hub.pageSize = 20;
      seen = [];
      let state = seed;
      const random = (below: number) => {
        state = (state * 1103515245 + 12345) % 2147483648;
        return Math.floor((state / 2147483648) * below);
      };
      const feed = feedFrom("0.0");
      feed.joined();
      const late: Parameters<typeof feed.push>[0][] = [];
      for (let step = 0; step < 60; step++) {
        const push = hub.pushOf(hub.happens(1 + random(2)));
        const choice = random(9);
        if (choice < 4) feed.push(push);
        if (choice === 3) feed.push(push);
        if (choice === 4) late.push(push);
        if (choice === 5) late.splice(0).forEach((old) => feed.push(old));
        if (choice === 6) feed.disconnected();
        if (choice === 7) feed.joined();
        if (choice === 8) hub.waiting.shift()?.fail();
        if (random(2) === 0) hub.waiting.shift()?.answer();
        await Promise.resolve();
      }
      feed.joined();
      while (states.at(-1) !== "live") {
        await hub.settle();
        await tick();
      }
      expect(seen, `seed ${seed}`).toEqual(hub.log);
    }
  });
});
