import { beforeEach, describe, expect, it, vi } from "vitest";

import { conversationQuery, conversationsQuery, keys, makeQueryClient, messagesQuery } from "../api/queries";
import * as hub from "../api/hub";
import { conversation, entry, message } from "../testing/made";
import { applyEntries } from "./apply";
import { messagesOf, rowsOf } from "./rows";

vi.mock("../api/hub");

const QUEUE = { view: "queue", teamId: null, agentId: "ana" } as const;
const client = makeQueryClient();
const answers = vi.mocked(hub);

beforeEach(() => {
  client.clear();
  answers.messages.mockResolvedValue({ items: [message({ id: "m1" })], before: null });
  answers.conversations.mockResolvedValue({ items: [conversation({ id: "c" })], next: null });
});

describe("entries of the feed", () => {
  it("move rows between the lists and put messages into threads", async () => {
    await client.infiniteQuery(conversationsQuery(QUEUE));
    await client.infiniteQuery(conversationsQuery({ ...QUEUE, view: "mine" }));
    await client.infiniteQuery(messagesQuery("c"));
    applyEntries(client, [
      entry({ kind: "Assigned", conversation: conversation({ id: "c", status: "assigned", assignee_id: "ana" }) }),
      entry({ kind: "MessageReceived", message: message({ id: "m2", at: "2026-01-01T10:01:00Z" }) }),
    ]);
    const shown = (view: "queue" | "mine") => {
      const data = client.getQueryData(conversationsQuery({ ...QUEUE, view }).queryKey);
      return data && rowsOf(data).map(({ id, status }) => `${id} ${status}`);
    };
    expect(shown("queue")).toEqual([]);
    expect(shown("mine")).toEqual(["c assigned"]);
    const thread = client.getQueryData(messagesQuery("c").queryKey);
    expect(thread && messagesOf(thread).map(({ id }) => id)).toEqual(["m1", "m2"]);
  });

  it("that arrive while a list is being read are not undone by its older answer", async () => {
    let answer: (page: { items: ReturnType<typeof conversation>[]; next: null }) => void = () => undefined;
    answers.conversations.mockReturnValueOnce(new Promise((resolve) => (answer = resolve)));
    const reading = client.infiniteQuery(conversationsQuery(QUEUE));
    await vi.waitFor(() => expect(answers.conversations).toHaveBeenCalled());
    applyEntries(client, [
      entry({ kind: "Resolved", conversation: conversation({ id: "c", status: "resolved" }) }),
      entry({ kind: "HandedOver", conversation: conversation({ id: "new" }) }),
    ]);
    answer({ items: [conversation({ id: "c" })], next: null });
    expect(rowsOf(await reading).map(({ id }) => id)).toEqual(["new"]);
  });

  it("that arrive while a thread is being read are in it", async () => {
    let answer: (page: { items: ReturnType<typeof message>[]; before: null }) => void = () => undefined;
    answers.messages.mockReturnValueOnce(new Promise((resolve) => (answer = resolve)));
    const reading = client.infiniteQuery(messagesQuery("c"));
    await vi.waitFor(() => expect(answers.messages).toHaveBeenCalled());
    applyEntries(client, [entry({ kind: "MessageReceived", message: message({ id: "m2", at: "2026-01-01T10:01:00Z" }) })]);
    answer({ items: [message({ id: "m1" })], before: null });
    expect(messagesOf(await reading).map(({ id }) => id)).toEqual(["m1", "m2"]);
  });

  it("read the packet again when it changed", () => {
    client.setQueryData(keys.conversation("d"), { conversation: conversation({ id: "d" }) });
    applyEntries(client, [entry({ kind: "HandedOver", conversation_id: "d" })]);
    expect(client.getQueryState(conversationQuery("d").queryKey)?.isInvalidated).toBe(true);
  });
});
