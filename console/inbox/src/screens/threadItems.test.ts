import type { SegmentOut } from "@centralita/shared/api";
import { expect, it } from "vitest";

import { message } from "../testing/made";
import { threadItems, type Happening } from "./threadItems";

const at = (time: string) => new Date(`2026-11-21T${time}:00`).toISOString();
const said = (id: string, time: string, fields: Parameters<typeof message>[0] | object = {}) => message({ id, at: at(time), ...fields });
const segment_began: SegmentOut = {
  ...{ channel: "sms", inbox_id: "number", inbox_name: "Madrid", identity_id: "phone" },
  ...{ address_display: "+34 612 34 56 78", evidence: "stated" },
};
const happening = (id: string, time: string): Happening => ({
  ...{ id, at: at(time), kind: "forbidden", how: "keyword" },
  ...{ channel: "sms", address: "+34 612 34 56 78", by: "" },
});

function shown(parts: Partial<Parameters<typeof threadItems>[0]>): string[] {
  return threadItems({ messages: [], happenings: [], complete: true, ...parts })
    .filter(({ type }) => type !== "day")
    .map((item) => (item.type === "message" ? `${item.message.id}${item.heading ? "!" : ""}` : item.key));
}

it("puts a change of channel before the message that it came with, and names the author anew after it", () => {
  const sms = { channel: "sms" };
  const messages = [said("m1", "10:00"), said("m2", "10:01"), said("m3", "10:02", { ...sms, segment_began }), said("m4", "10:03", sms)];
  expect(shown({ messages })).toEqual(["m1!", "m2", "segment m3", "m3!", "m4"]);
});

it("keeps what happened in its order, after the message that it came of, also after the last", () => {
  const messages = [said("m1", "10:00"), said("stop", "10:01"), said("m2", "10:02")];
  const happenings = [happening("late", "10:05"), happening("of stop", "10:01"), happening("early", "09:00")];
  const order = ["happening early", "m1!", "stop", "happening of stop", "m2!", "happening late"];
  expect(shown({ messages, happenings })).toEqual(order);
});

it("leaves what lies above the loaded messages to the page that brings them", () => {
  const parts = { messages: [said("m1", "10:00")], happenings: [happening("early", "09:00"), happening("late", "10:30")] };
  expect(shown({ ...parts, complete: false })).toEqual(["m1!", "happening late"]);
  expect(shown(parts)).toEqual(["happening early", "m1!", "happening late"]);
});

it("names every day once, and the author again with it", () => {
  const messages = [said("m1", "23:58"), message({ id: "m2", at: new Date("2026-11-22T00:01:00").toISOString() })];
  const items = threadItems({ messages, happenings: [], complete: true });
  expect(items.map(({ type }) => type)).toEqual(["day", "message", "day", "message"]);
  expect(items.at(-1)).toMatchObject({ heading: true });
});
