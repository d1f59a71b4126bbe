import { describe, expect, it } from "vitest";

import { read, written } from "./windows";

describe("windows of a day", () => {
  it("are read as they are written", () => {
    const windows = [
      ["09:00", "14:00"],
      ["15:30", "18:00"],
    ];
    expect(read(written(windows))).toEqual(windows);
    expect(read("")).toEqual([]);
  });

  it("are read as people type them", () => {
    expect(read(" 9:00 – 14:00 ; 15:30-18:00 ")).toEqual([
      ["09:00", "14:00"],
      ["15:30", "18:00"],
    ]);
  });
});
