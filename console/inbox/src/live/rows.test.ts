import { describe, expect, it } from "vitest";

import { conversation, message } from "../testing/made";
import { belongs, messagesOf, order, placeMessage, placeRow, rowsOf, type ConversationPages, type List, type MessagePages } from "./rows";

const QUEUE: List = { view: "queue", teamId: null, agentId: "ana" };
const MINE: List = { view: "mine", teamId: null, agentId: "ana" };

function list(...pages: string[][]): ConversationPages {
  const at = (id: string) => `2026-01-01T10:00:0${id}Z`;
  return {
    pages: pages.map((ids, index) => ({
      items: ids.map((id) => conversation({ id, waiting_since: at(id) })),
      next: index < pages.length - 1 ? "more" : null,
    })),
    pageParams: pages.map(() => null),
  };
}

const ids = (data: ConversationPages) => rowsOf(data).map(({ id }) => id);

describe("where a row belongs", () => {
  it("follows status, agent and team", () => {
    const waiting = conversation({ id: "1" });
    expect(belongs(waiting, QUEUE)).toBe(true);
    expect(belongs(waiting, { ...QUEUE, teamId: "billing" })).toBe(false);
    expect(belongs(waiting, MINE)).toBe(false);
    const mine = conversation({ id: "1", status: "assigned", assignee_id: "ana" });
    expect(belongs(mine, MINE)).toBe(true);
    expect(belongs(mine, { ...MINE, agentId: "ben" })).toBe(false);
    expect(belongs(mine, QUEUE)).toBe(false);
    expect(belongs(conversation({ id: "1", status: "snoozed" }), { ...QUEUE, view: "snoozed" })).toBe(true);
    expect(belongs(conversation({ id: "1", merged_into: "2" }), { ...QUEUE, view: "all" })).toBe(false);
  });
});

describe("the order of rows", () => {
  it("is priority, then waiting time in the queue", () => {
    const long = conversation({ id: "a", waiting_since: "2026-01-01T09:00:00Z" });
    const urgent = conversation({ id: "b", priority: "urgent", waiting_since: "2026-01-01T11:00:00Z" });
    expect([long, urgent].sort((one, other) => order("queue", one, other))).toEqual([urgent, long]);
    const longer = conversation({ id: "c", waiting_since: "2026-01-01T08:59:59.500000Z" });
    expect(order("queue", longer, long)).toBeLessThan(0);
  });

  it("is newest first elsewhere", () => {
    const old = conversation({ id: "a", last_activity_at: "2026-01-01T09:00:00Z" });
    const fresh = conversation({ id: "b", last_activity_at: "2026-01-01T09:00:00.250Z" });
    expect(order("all", fresh, old)).toBeLessThan(0);
  });
});

describe("placing a row", () => {
  it("puts a newcomer at its place, on whichever page", () => {
    const row = conversation({ id: "5", waiting_since: "2026-01-01T10:00:05Z" });
    expect(ids(placeRow(list(["1", "4"], ["6", "7"]), row, QUEUE))).toEqual(["1", "4", "5", "6", "7"]);
  });

  it("takes a row out that no longer belongs, and moves one that changed", () => {
    const data = list(["1", "2", "3"]);
    expect(ids(placeRow(data, conversation({ id: "2", status: "assigned" }), QUEUE))).toEqual(["1", "3"]);
    expect(ids(placeRow(data, conversation({ id: "3", priority: "high" }), QUEUE))).toEqual(["3", "1", "2"]);
  });

  it("leaves to paging what lies beyond the loaded pages", () => {
    const data = list(["1", "2"]);
    const late = conversation({ id: "9", waiting_since: "2026-01-01T10:00:09Z" });
    expect(ids(placeRow(data, late, QUEUE))).toEqual(["1", "2", "9"]);
    const open = { ...data, pages: data.pages.map((page) => ({ ...page, next: "more" })) };
    expect(ids(placeRow(open, late, QUEUE))).toEqual(["1", "2"]);
  });

  it("leaves the data itself alone, and the same object where nothing changes", () => {
    const data = list(["1"]);
    expect(placeRow(data, conversation({ id: "x", status: "bot" }), QUEUE)).toBe(data);
    placeRow(data, conversation({ id: "1", status: "resolved" }), QUEUE);
    expect(ids(data)).toEqual(["1"]);
  });

  it("shows a row once that two pages hold", () => {
    expect(ids(list(["1", "2"], ["2", "3"]))).toEqual(["1", "2", "3"]);
  });
});

describe("placing a message", () => {
  const at = (second: number) => `2026-01-01T10:00:0${second}Z`;
  const thread = (before: string | null, ...seconds: number[]): MessagePages => ({
    pages: [{ items: seconds.map((second) => message({ id: `m${second}`, at: at(second) })), before }],
    pageParams: [null],
  });
  const shown = (data: MessagePages) => messagesOf(data).map(({ id }) => id);

  it("adds it by time, whatever the order of arrival", () => {
    expect(shown(placeMessage(thread(null, 1, 3), message({ id: "m2", at: at(2) })))).toEqual(["m1", "m2", "m3"]);
    expect(shown(placeMessage(thread(null), message({ id: "m2", at: at(2) })))).toEqual(["m2"]);
  });

  it("keeps the sequence of two that are equally old", () => {
    const data = { pages: [{ items: [message({ id: "second", sequence: 2 })], before: null }], pageParams: [null] };
    expect(shown(placeMessage(data, message({ id: "first", sequence: 1 })))).toEqual(["first", "second"]);
  });

  it("replaces what is there: its delivery came further", () => {
    const after = placeMessage(
      thread(null, 1, 2),
      message({ id: "m1", at: at(1), delivery: { state: "read", error_code: "", error_text: "" } }),
    );
    expect(shown(after)).toEqual(["m1", "m2"]);
    expect(messagesOf(after)[0]?.delivery?.state).toBe("read");
  });

  it("leaves alone what belongs above the loaded pages", () => {
    const data = thread("older", 5, 6);
    expect(placeMessage(data, message({ id: "m1", at: at(1) }))).toBe(data);
    expect(shown(placeMessage(thread(null, 5, 6), message({ id: "m1", at: at(1) })))).toEqual(["m1", "m5", "m6"]);
  });
});
