import { beforeEach, expect, test, vi } from "vitest";
import { createChat } from "../src/app/chat";
import { createHub } from "../src/app/hub";
import { isBubble, type State } from "../src/app/store";
import { FakeHub, forgetful } from "./fakes";

beforeEach(() => void vi.useFakeTimers());

async function open(fake = new FakeHub(), memory = forgetful()) {
  let state: State | undefined;
  let refusedIdentities = 0;
  const hub = createHub({
    inbox: "shop",
    origin: "https://shop.example",
    memory,
    fetch: fake.fetch,
    onIdentityRefused: () => refusedIdentities++,
  });
  const chat = createChat({ hub, memory, language: "en", connect: fake.connect, show: (next) => (state = next) });
  void chat.identify(undefined);
  await vi.advanceTimersByTimeAsync(0);
  const shown = () => [...(state?.items ?? []), ...(state?.outgoing ?? [])].flatMap((each) => (isBubble(each) ? [each.text] : []));
  const settle = (milliseconds = 0) => vi.advanceTimersByTimeAsync(milliseconds);
  return { fake, hub, chat, memory, shown, settle, state: () => state, refusedIdentities: () => refusedIdentities };
}

test("a minute offline: nothing missing, nothing doubled, what was typed is sent in order and once", async () => {
  const { fake, chat, shown, settle, state } = await open();
  fake.join();
  fake.say({ text: "before" });
  await settle();
  fake.online = false;
  fake.live?.onLost();
  for (let each = 1; each <= 7; each++) fake.say({ text: `missed ${each}` }, false);
  chat.send("first");
  chat.send("second");
  await settle(60_000);
  expect(shown()).toEqual(["before", "first", "second"]);
  expect(state()?.outgoing.map(({ on_its_way }) => on_its_way)).toEqual(["waiting", "waiting"]);
  fake.online = true;
  fake.script = ["lost"]; // the answer to the first one gets lost on the way back
  fake.join();
  await settle(60_000);
  expect(fake.texts().filter((text) => text === "first" || text === "second")).toEqual(["first", "second"]);
  expect(shown()).toEqual(fake.texts());
  expect(state()?.outgoing).toEqual([]);
});

test("pushes that are lost, late or doubled change nothing", async () => {
  const { fake, shown, settle } = await open();
  fake.join();
  await settle();
  fake.say({ text: "1" }, false);
  fake.say({ text: "2" });
  const late = fake.entries[0];
  await settle();
  if (late) fake.live?.onEvents({ entries: [late], cursor: late.cursor });
  await settle(1000);
  expect(shown()).toEqual(["1", "2"]);
});

test("where the socket is refused the feed is polled, and a message gets through", async () => {
  const { fake, chat, shown, settle, state } = await open();
  chat.watching(true);
  fake.live?.onRefused(1);
  expect(fake.calls).not.toContain("events?after=0.0");
  fake.live?.onRefused(2);
  await settle(100);
  expect(state()?.connection).toBe("polling");
  fake.say({ text: "polled" }, false);
  chat.send("and back");
  await settle(3100);
  expect(shown()).toEqual(["polled", "and back"]);
  fake.join();
  await settle();
  const calls = fake.calls.length;
  await settle(60_000);
  expect(fake.calls.length).toBe(calls); // the socket is there: no more polling
});

test("without a network the feed's silence says so", async () => {
  const { fake, settle, state } = await open();
  fake.online = false;
  fake.live?.onRefused(2);
  await settle();
  expect(state()?.connection).toBe("offline");
});

test("a full hub is asked again only after its Retry-After", async () => {
  const fake = new FakeHub();
  fake.script = [503];
  fake.retryAfter = "30";
  const { settle, state } = await open(fake);
  await settle(29_000);
  expect(fake.calls).toEqual(["session"]);
  expect(state()?.connection).toBe("offline");
  await settle(1_500);
  expect(state()?.phase).toBe("chat");
});

test("a page that may not embed the chat is told so, once", async () => {
  const fake = new FakeHub();
  fake.script = [403];
  const { settle, state } = await open(fake);
  await settle(60_000);
  expect(state()?.phase).toBe("refused");
  expect(fake.calls).toEqual(["session"]);
});

test("a visit that has run out is renewed in the middle of a message", async () => {
  const { fake, chat, shown, settle } = await open();
  fake.join();
  await settle();
  fake.script = [401];
  chat.send("hello");
  await settle();
  expect(fake.calls.filter((call) => !call.startsWith("events")).slice(-3)).toEqual(["messages", "session", "messages"]);
  expect(shown()).toEqual(["hello"]);
});

test("a bad identity token costs the identity and not the visit", async () => {
  const { fake, chat, memory, settle, refusedIdentities, state } = await open();
  fake.badIdentity = true;
  await chat.identify("bad.jwt");
  await settle();
  expect(refusedIdentities()).toBe(1);
  expect(memory.get("token")).toBe("visitor");
  expect(state()?.phase).toBe("chat");
});

test("signing out leaves nothing behind", async () => {
  const { fake, chat, memory, shown, settle } = await open();
  fake.online = false;
  chat.send("private");
  await settle();
  const out = chat.identify(null);
  expect(shown()).toEqual([]);
  expect(memory.get("token")).toBeNull();
  fake.online = true;
  await settle(30_000);
  await out;
  expect(fake.texts()).toEqual([]);
});

test("each handshake has a token of its own", async () => {
  const { hub } = await open();
  expect([await hub.socketToken(), await hub.socketToken(), await hub.socketToken()]).toEqual([
    "socket1",
    "socket2",
    "socket3",
  ]);
});

test("what was waiting when the page was left is shown and sent by the next page", async () => {
  const first = await open();
  first.fake.online = false;
  first.chat.send("left behind");
  await first.settle();
  const second = await open(new FakeHub(), first.memory);
  await second.settle();
  expect(second.fake.texts()).toEqual(["left behind"]);
});

test("receipts: delivered out of sight, read in sight, each said once", async () => {
  const { fake, chat, settle } = await open();
  fake.join();
  await settle();
  const { id } = fake.say({ text: "hello" });
  await settle();
  chat.watching(true);
  chat.watching(false);
  fake.say({ sender: "me" });
  await settle();
  expect(fake.seen).toEqual([
    { message_id: id, state: "delivered" },
    { message_id: id, state: "read" },
  ]);
});

test("typing ends by itself when its end is never heard", async () => {
  const { fake, settle, state } = await open();
  fake.live?.onTyping({ author_name: "Marta", on: true });
  expect(state()?.typing).toBe("Marta");
  await settle(6000);
  expect(state()?.typing).toBeNull();
});
