// The clock of these tests, whatever the machine's is.
process.env["TZ"] = "Europe/Madrid";
import { expect, test } from "vitest";
import { away } from "../src/app/opening";

const at = (text: string) => Date.parse(text);
// Browsers put a narrow space before AM, and not all the same one.
const plain = (text: string | null) => text && text.replace(/\s/gu, " ");
const OPEN = [
  { begins: "2026-11-20T08:00:00Z", ends: "2026-11-20T17:00:00Z" },
  { begins: "2026-11-23T08:00:00Z", ends: "2026-11-23T17:00:00Z" },
];

test.each([
  ["2026-11-20T08:00:00Z", null],
  ["2026-11-20T16:59:59Z", null],
  ["2026-11-20T07:00:00Z", "today, 9:00 AM"],
  ["2026-11-22T10:00:00Z", "tomorrow, 9:00 AM"],
  ["2026-11-20T17:00:00Z", "Monday, 9:00 AM"],
  ["2026-11-23T17:00:00Z", ""],
] as const)("at %s it says %s, on the customer's clock", (now, said) => {
  expect(Intl.DateTimeFormat().resolvedOptions().timeZone).toBe("Europe/Madrid");
  expect(plain(away(OPEN, at(now), "en"))).toBe(said);
});

test("in Spanish, and with the date where it is far away", () => {
  expect(away(OPEN, at("2026-11-22T10:00:00Z"), "es")).toBe("mañana, 9:00");
  expect(away(OPEN.slice(1), at("2026-11-10T10:00:00Z"), "es")).toBe("23 de noviembre de 2026, 9:00");
});

test("another day is another day at night as well, and where the clock was moved", () => {
  const night = [{ begins: "2026-10-25T08:00:00Z", ends: "2026-10-25T09:00:00Z" }];
  expect(plain(away(night, at("2026-10-24T21:59:00Z"), "en"))).toBe("tomorrow, 9:00 AM");
  expect(plain(away(night, at("2026-10-24T22:01:00Z"), "en"))).toBe("today, 9:00 AM");
});

test("where nobody stated hours, somebody is always there", () => {
  expect(away(null, 0, "en")).toBeNull();
  expect(away([], 0, "en")).toBe("");
});
