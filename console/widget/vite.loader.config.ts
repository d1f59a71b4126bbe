import { defineConfig } from "vite";

// The loader: one classic script, because shops embed it with a plain <script async>.
export default defineConfig({
  publicDir: false,
  build: {
    outDir: "../dist/widget",
    emptyOutDir: false,
    target: "es2022",
    lib: { entry: "src/loader/loader.ts", formats: ["iife"], name: "centralitaLoader", fileName: () => "loader.js" },
  },
});
