/** What a browser downloads, compressed as `gzip -9` does. Builds into a folder of its own. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";

const KB = 1024;
const root = new URL("..", import.meta.url).pathname;
const folder = mkdtempSync(join(tmpdir(), "widget-"));
const sizes = new Map<string, number>();

beforeAll(() => {
  const vite = new URL("bin/vite.js", import.meta.resolve("vite/package.json")).pathname;
  // A process of its own: the test's NODE_ENV would build the libraries' debugging in.
  for (const config of ["vite.config.ts", "vite.loader.config.ts"])
    execFileSync(process.execPath, [vite, "build", "--config", config, "--outDir", folder, "--emptyOutDir", "false"], {
      cwd: root,
      env: { ...process.env, NODE_ENV: "production" },
      stdio: "pipe",
    });
  for (const name of readdirSync(folder))
    sizes.set(name, gzipSync(readFileSync(join(folder, name)), { level: 9 }).length);
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true }));

test("the loader has at most 4 KB, everything together at most 25 KB", () => {
  expect(sizes.get("loader.js")).toBeGreaterThan(500);
  expect(sizes.get("loader.js")).toBeLessThanOrEqual(4 * KB);
  expect([...sizes.keys()].map((name) => name.replace(/-.+\./, ".")).sort()).toEqual(["app.css", "app.js", "frame.html", "loader.js"]);
  expect([...sizes.values()].reduce((sum, each) => sum + each)).toBeLessThanOrEqual(25 * KB);
});
