import { beforeEach, expect, test, vi } from "vitest";
import { Failure } from "../src/app/hub";
import { createOutbox } from "../src/app/outbox";
import type { Pending } from "../src/app/types";
import { forgetful } from "./fakes";

const pending = (client_id: string): Pending => ({ client_id, text: client_id, attachments: [], at: "" });
const accepted = { message_id: "m", conversation_id: "c", duplicate: false };

beforeEach(() => void vi.useFakeTimers());

function outbox(failures: Failure[], memory = forgetful()) {
  const sent: string[] = [];
  const refused: string[] = [];
  const box = createOutbox({
    memory,
    send: ({ client_id }) => {
      const failure = failures.shift();
      if (failure) return Promise.reject(failure);
      sent.push(client_id);
      return Promise.resolve(accepted);
    },
    onAccepted: () => undefined,
    onRefused: ({ client_id }) => refused.push(client_id),
  });
  return { box, sent, refused };
}

test("messages go in the order in which they were written, after a failure too", async () => {
  const { box, sent } = outbox([new Failure(0), new Failure(503), new Failure(429)]);
  for (const id of ["a", "b", "c"]) box.add(pending(id));
  await vi.advanceTimersByTimeAsync(60_000);
  expect(sent).toEqual(["a", "b", "c"]);
  expect(box.waiting()).toEqual([]);
});

test("a refused message stands aside and does not hold up the others", async () => {
  const { box, sent, refused } = outbox([new Failure(422, "too long")]);
  box.add(pending("a"));
  box.add(pending("b"));
  await vi.advanceTimersByTimeAsync(0);
  expect(refused).toEqual(["a"]);
  expect(sent).toEqual(["b"]);
});

test("what waits outlives the page", async () => {
  const memory = forgetful();
  outbox(Array<Failure>(99).fill(new Failure(0)), memory).box.add(pending("a"));
  await vi.advanceTimersByTimeAsync(100);
  const { box, sent } = outbox([], memory);
  expect(box.waiting().map(({ client_id }) => client_id)).toEqual(["a"]);
  await box.flush();
  expect(sent).toEqual(["a"]);
});

test("flushing cuts the pause short", async () => {
  const { box, sent } = outbox([new Failure(503, "", 600_000)]);
  box.add(pending("a"));
  await vi.advanceTimersByTimeAsync(20_000);
  expect(sent).toEqual([]);
  void box.flush();
  await vi.advanceTimersByTimeAsync(0);
  expect(sent).toEqual(["a"]);
});

test("the hub's Retry-After is kept", async () => {
  const { box, sent } = outbox([new Failure(503, "", 40_000)]);
  box.add(pending("a"));
  await vi.advanceTimersByTimeAsync(39_000);
  expect(sent).toEqual([]);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(sent).toEqual(["a"]);
});

test("somebody else's writing in the storage is no outbox", () => {
  const memory = forgetful();
  memory.set("outbox", "{");
  expect(outbox([], memory).box.waiting()).toEqual([]);
});
