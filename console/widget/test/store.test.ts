import { expect, test } from "vitest";
import { beginning, isBubble, reduce, type Action, type State } from "../src/app/store";
import type { Entry, Message, Pending } from "../src/app/types";
import { message } from "./fakes";

const entry = (part: Partial<Entry>): Entry => ({
  cursor: "0.1",
  at: "2026-11-21T10:00:00Z",
  message: null,
  delivery: null,
  status: null,
  ...part,
});
const run = (...actions: Action[]): State => actions.reduce(reduce, beginning("en"));
const said = (part: Partial<Message>): Action => ({ type: "entries", entries: [entry({ message: message(part) })] });
const status = (part: NonNullable<Entry["status"]>, cursor = "0.9"): Action => ({
  type: "entries",
  entries: [entry({ status: part, cursor })],
});
const pending: Pending = { client_id: "c1", text: "hello", attachments: [], at: "" };
const queued: Action = { type: "queued", message: pending };

test("the customer's message is shown at once and once, whichever answer comes first", () => {
  const accepted: Action = { type: "accepted", client_id: "c1", id: "m1" };
  const fed = said({ id: "m1", client_id: "c1", sender: "me", text: "hello" });
  expect(run(queued).outgoing[0]?.on_its_way).toBe("waiting");
  for (const state of [run(queued, accepted, fed), run(queued, fed, accepted), run(queued, fed, fed)]) {
    expect(state.outgoing).toEqual([]);
    expect(state.items).toHaveLength(1);
  }
  expect(run(queued, accepted).outgoing[0]).toMatchObject({ id: "m1", on_its_way: undefined });
});

test("another tab's message leaves our outbox alone", () => {
  const state = run(queued, said({ id: "m9", client_id: "other", sender: "me" }));
  expect(state.items).toHaveLength(1);
  expect(state.outgoing).toHaveLength(1);
});

test("a refused message says why and can be discarded", () => {
  const refused = run(queued, { type: "refused", client_id: "c1", problem: "too long" });
  expect(refused.outgoing[0]).toMatchObject({ on_its_way: "failed", problem: "too long" });
  expect(reduce(refused, { type: "discarded", client_id: "c1" }).outgoing).toEqual([]);
});

test("delivery only moves forward", () => {
  const delivery = (state: "sent" | "delivered" | "read" | "failed"): Action => ({
    type: "entries",
    entries: [entry({ delivery: { m1: state } })],
  });
  const after = (...actions: Action[]) => {
    const [item] = run(said({ id: "m1", sender: "me", delivery: "sent" }), ...actions).items;
    return item && isBubble(item) ? item.delivery : undefined;
  };
  expect(after(delivery("read"), delivery("delivered"))).toBe("read");
  expect(after(delivery("delivered"), delivery("failed"))).toBe("delivered");
  expect(after(delivery("failed"), delivery("sent"))).toBe("failed");
});

test("messages out of sight count as unread; one's own and the system's do not", () => {
  const away = [said({ id: "1" }), said({ id: "2", sender: "agent" }), said({ id: "3", sender: "system" })];
  const state = run(...away, said({ id: "4", sender: "me" }));
  expect(state.unread).toBe(2);
  expect(run({ type: "changed", part: { watching: true } }, ...away).unread).toBe(0);
});

test("an agent's arrival and the end are told once", () => {
  const assigned = { status: "assigned", place: null, agent_name: "Marta" } as const;
  const resolved = { status: "resolved", place: null, agent_name: null } as const;
  const state = run(
    status({ status: "waiting", place: 2, agent_name: null }, "0.1"),
    status(assigned, "0.2"),
    status(assigned, "0.3"),
    status(resolved, "0.4"),
    status(resolved, "0.5"),
  );
  expect(state.items).toEqual([
    { id: "0.2", name: "Marta", at: "2026-11-21T10:00:00Z" },
    { id: "0.4", name: null, at: "2026-11-21T10:00:00Z" },
  ]);
});

test("whoever has written is not writing any more", () => {
  const typing: Action = { type: "changed", part: { typing: "Marta" } };
  expect(run(typing, said({ id: "1", sender: "agent" })).typing).toBeNull();
  expect(run(typing, said({ id: "1", sender: "me" })).typing).toBe("Marta");
});
