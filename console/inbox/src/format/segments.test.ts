import { expect, it } from "vitest";

import { loadSmsCounter } from "./segments";

const counter = await loadSmsCounter();

// The limits of 3GPP TS 23.038 and 23.040: 160 characters alone, 153 in each of several; 70 and 67 in UCS-2.
it.each([
  ["", 1, 160],
  ["a".repeat(160), 1, 0],
  ["a".repeat(161), 2, 145],
  ["a".repeat(306), 2, 0],
  ["a".repeat(307), 3, 152],
  ["€".repeat(80), 1, 0],
  ["€".repeat(81), 2, 143],
  ["á".repeat(70), 1, 0],
  ["á".repeat(71), 2, 63],
  ["á".repeat(135), 3, 66],
  ["ñéùÇ", 1, 156],
])("counts segments and what is left: %#", (text, segments, left) => {
  expect(counter.count(text)).toMatchObject({ segments, left });
});

it("names what is not in the SMS alphabet, each once, and what can stand in its place", () => {
  const { wide } = counter.count("It’s “here”, it’s 20 °C, mañana vendrá 👍");
  expect(wide).toEqual([
    { character: "’", replacement: "'" },
    { character: "“", replacement: '"' },
    { character: "”", replacement: '"' },
    { character: "°", replacement: null },
    { character: "á", replacement: null },
    { character: "👍", replacement: null },
  ]);
});

it("tells what replacing would save, and replaces nothing that has a meaning of its own", () => {
  const text = `It’s ${"a".repeat(100)}…`;
  expect(counter.count(text)).toMatchObject({ segments: 2, segmentsReplaced: 1 });
  expect(counter.replaced(text)).toBe(`It's ${"a".repeat(100)}...`);
  expect(counter.replaced("mañana vendrá, constructor 👍")).toBe("mañana vendrá, constructor 👍");
});
