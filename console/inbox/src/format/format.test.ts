import { describe, expect, it } from "vitest";

import { Text } from "../text";
import { en } from "../text/en";
import { es } from "../text/es";
import { fileSize, share } from "./number";
import { brief, day, duration } from "./time";

const english = new Text("en", en);
const spanish = new Text("es", es);
const now = new Date(2026, 10, 21, 15, 30);
const local = (...parts: [number, number, number, number, number]) => new Date(...parts).toISOString();

describe("durations", () => {
  it.each([
    [-5_000, "0 s"],
    [59_999, "59 s"],
    [60_000, "1 min"],
    [3_599_999, "59 min"],
    [3_600_000, "1 h 0 min"],
    [86_399_999, "23 h 59 min"],
    [86_400_000, "1 day"],
    [3 * 86_400_000, "3 days"],
  ])("of %i ms are %s", (milliseconds, words) => {
    expect(duration(milliseconds, english)).toBe(words);
  });

  it("are Spanish in Spanish", () => {
    expect(duration(2 * 86_400_000, spanish)).toBe("2 días");
  });
});

describe("days", () => {
  it("are today, yesterday, or named", () => {
    expect(day(local(2026, 10, 21, 0, 1), english, now)).toBe("Today");
    expect(day(local(2026, 10, 20, 23, 59), spanish, now)).toBe("Ayer");
    expect(day(local(2026, 10, 19, 12, 0), spanish, now)).toBe("jueves, 19 de noviembre");
    expect(day(local(2025, 10, 19, 12, 0), english, now)).toContain("2025");
  });

  it("are as short as a list needs", () => {
    expect(brief(local(2026, 10, 21, 9, 5), spanish, now)).toBe("09:05");
    expect(brief(local(2026, 10, 3, 9, 5), spanish, now)).toBe("3 nov");
    expect(brief(local(2025, 10, 3, 9, 5), spanish, now)).toBe("3 nov 25");
  });
});

describe("numbers", () => {
  it("are written as the language does", () => {
    expect(share(0.914, english)).toBe("91%");
    expect(share(0.914, spanish)).toBe("91\u00a0%");
    expect(fileSize(15, english)).toBe("15 byte");
    expect(fileSize(88_123, english)).toBe("88 kB");
    expect(fileSize(1_250_000, spanish)).toMatch(/^1,3\sMB$/);
  });
});
