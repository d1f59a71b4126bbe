/** Prints what a browser downloads, compressed as `gzip -9` does: before the click, and in all. */
import { readdirSync, readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const built = new URL("../dist/widget/", import.meta.url);
const sizes = Object.fromEntries(
  readdirSync(built).map((name) => [name, gzipSync(readFileSync(new URL(name, built)), { level: 9 }).length]),
);
console.log(JSON.stringify({ loader: sizes["loader.js"], all: Object.values(sizes).reduce((a, b) => a + b, 0), sizes }, null, 2));
