import { decodePacket as decodeTheirs, encodePacket as encodeTheirs } from "engine.io-parser";
import { expect, test } from "vitest";
import { decodePacket, encodePacket } from "../src/app/socketio/packets";

const PACKETS = [
  { type: "open", data: '{"sid":"x"}' },
  { type: "ping" },
  { type: "pong" },
  { type: "close" },
  { type: "message", data: '2/widget,["typing",{"on":true}]' },
  { type: "message", data: "ñ 👍" },
] as const;

test.each(PACKETS)("a packet $type is written and read as the library does", (packet) => {
  const written: string[] = [];
  encodePacket(packet, true, (encoded) => written.push(encoded));
  encodeTheirs(packet, true, (encoded) => written.push(encoded as string));
  const [ours = "", theirs = ""] = written;
  expect(ours).toBe(theirs);
  // Of a packet without data the library says nothing, we an empty text: nobody looks at the data of those.
  expect(decodePacket(ours)).toEqual({ data: "", ...decodeTheirs(theirs, "arraybuffer") });
});

test("what is no packet is an error", () => {
  expect(decodePacket("9x")).toEqual(decodeTheirs("9x", "arraybuffer"));
  expect(decodePacket("")).toEqual(decodeTheirs("", "arraybuffer"));
});
