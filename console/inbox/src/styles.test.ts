import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

import { expect, it } from "vitest";

const styles = dirname(createRequire(import.meta.url).resolve("@mantine/core/styles/global.css"));
const imported = readFileSync(join(import.meta.dirname, "styles.ts"), "utf8");

it("has the styles of every Mantine component that is used", () => {
  const used = new Set(
    readdirSync(import.meta.dirname, { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".tsx"))
      .flatMap((file) => [...readFileSync(join(import.meta.dirname, file), "utf8").matchAll(/import \{([^}]*)\} from "@mantine\/core"/g)])
      .flatMap(([, names = ""]) => names.split(",").map((name) => name.trim().split(" ")[0] ?? "")),
  );
  expect(used).toContain("Button");
  const missing = [...used].filter(
    (name) => existsSync(join(styles, `${name}.css`)) && !imported.includes(`styles/${name}.css`),
  );
  expect(missing).toEqual([]);
});
