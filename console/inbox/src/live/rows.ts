/** Where a conversation's row belongs, and putting it there. Pure: data in, new data out, the same object if unchanged. */
import type { ConversationOut, Conversations, MessageOut, Messages } from "@centralita/shared/api";
import type { InfiniteData } from "@tanstack/react-query";

import type { View } from "../api/hub";

export type ConversationPages = InfiniteData<Conversations>;
export type MessagePages = InfiniteData<Messages>;

export interface List {
  view: View;
  teamId: string | null;
  agentId: string;
}

const URGENCY = { none: 0, low: 1, medium: 2, high: 3, urgent: 4 } as const;

export function belongs(row: ConversationOut, { view, teamId, agentId }: List): boolean {
  if (row.merged_into !== null) return false;
  if (teamId !== null && row.team_id !== teamId) return false;
  switch (view) {
    case "queue":
      return row.status === "waiting";
    case "mine":
      return row.status === "assigned" && row.assignee_id === agentId;
    case "helping":
      return row.colleague_id === agentId;
    case "all":
      return true;
    default:
      return row.status === view;
  }
}

/** Below zero when `one` stands above `other`: the queue by priority and waiting time, the rest newest first. */
export function order(view: View, one: ConversationOut, other: ConversationOut): number {
  if (view === "queue") {
    return (
      URGENCY[other.priority] - URGENCY[one.priority] ||
      compare(one.waiting_since ?? one.opened_at, other.waiting_since ?? other.opened_at) ||
      compare(one.id, other.id)
    );
  }
  return compare(other.last_activity_at, one.last_activity_at) || compare(other.id, one.id);
}

function compare(one: string, other: string): number {
  // RFC 3339 in UTC, but with or without a fraction of a second: not to be compared as text.
  const [time, otherTime] = [Date.parse(one), Date.parse(other)];
  if (!Number.isNaN(time) && !Number.isNaN(otherTime) && time !== otherTime) return time - otherTime;
  return one < other ? -1 : one > other ? 1 : 0;
}

/** Puts a row at its place, moves it, or takes it out. What lies beyond the loaded pages is left to paging. */
export function placeRow(data: ConversationPages, row: ConversationOut, list: List): ConversationPages {
  const there = data.pages.some((page) => page.items.some((item) => item.id === row.id));
  const wanted = belongs(row, list);
  if (!there && !wanted) return data;
  const pages = data.pages.map((page) => ({ ...page, items: page.items.filter((item) => item.id !== row.id) }));
  if (!wanted) return { ...data, pages };
  for (const page of pages) {
    const index = page.items.findIndex((item) => order(list.view, row, item) < 0);
    if (index >= 0) {
      page.items.splice(index, 0, row);
      return { ...data, pages };
    }
  }
  const last = pages.at(-1);
  if (last?.next === null) last.items.push(row);
  return { ...data, pages };
}

/** All rows in order. A row that moved between two page loads can be in both: the upper one is newer. */
export function rowsOf(data: ConversationPages): ConversationOut[] {
  const seen = new Set<string>();
  return data.pages
    .flatMap((page) => page.items)
    .filter((row) => {
      if (seen.has(row.id)) return false;
      seen.add(row.id);
      return true;
    });
}

/** Puts a message into a thread or replaces it. Page 0 is the newest; what lies above the loaded pages is left alone. */
export function placeMessage(data: MessagePages, message: MessageOut): MessagePages {
  if (data.pages.some((page) => page.items.some((item) => item.id === message.id))) {
    const pages = data.pages.map((page) => ({
      ...page,
      items: page.items.map((item) => (item.id === message.id ? message : item)),
    }));
    return { ...data, pages };
  }
  const [newest, ...older] = data.pages;
  if (!newest) return data;
  const index = newest.items.findLastIndex(
    (item) => (compare(item.at, message.at) || item.sequence - message.sequence) < 0,
  );
  if (index < 0 && newest.items.length > 0 && (older.length > 0 || newest.before !== null)) return data;
  return { ...data, pages: [{ ...newest, items: newest.items.toSpliced(index + 1, 0, message) }, ...older] };
}

/** All loaded messages, oldest first. */
export function messagesOf(data: MessagePages): MessageOut[] {
  return data.pages.toReversed().flatMap((page) => page.items);
}
