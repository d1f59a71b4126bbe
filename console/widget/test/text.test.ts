import { expect, test } from "vitest";
import { objection, size } from "../src/app/files";
import { pieces } from "../src/app/links";
import { WORDS } from "../src/app/words";
import type { Settings } from "../src/app/types";

test.each([
  ["See https://shop.example/a?b=c.", ["https://shop.example/a?b=c"]],
  ["(https://shop.example/a) and http://x.example", ["https://shop.example/a", "http://x.example"]],
  ["https://x.example/wiki/A_(b)", ["https://x.example/wiki/A_(b)"]],
  ["javascript:alert(1) data:text/html,x file:///etc ftp://x", []],
  ["https://", []],
  ['<a href="https://x.example">x</a>', ["https://x.example"]],
])("addresses in %s", (text, addresses) => {
  const found = pieces(text);
  expect(found.flatMap(({ href }) => href ?? [])).toEqual(addresses);
  expect(found.map((piece) => piece.text).join("")).toBe(text);
});

test("both languages say everything", () => {
  expect(Object.keys(WORDS.es)).toEqual(Object.keys(WORDS.en));
});

test("a file is refused in words that name it, its kind and the limit", () => {
  const settings = { attachment_limit: 2_000_000, media_types: ["image/png", "text/plain"] } as Settings;
  const check = (file: { name: string; size: number; type: string }) => objection(file, settings, WORDS.es, "es");
  expect(check({ name: "a.png", size: 10, type: "image/png" })).toBe("");
  expect(check({ name: "a.exe", size: 10, type: "application/x" })).toBe("a.exe no se puede enviar. Se admite: PNG, TXT.");
  expect(check({ name: "a.png", size: 2_500_000, type: "image/png" })).toBe("a.png ocupa 2,5 MB; el límite es 2 MB.");
  expect(size(1, "en")).toBe("0.1 MB");
});
