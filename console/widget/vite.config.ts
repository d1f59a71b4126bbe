import { defineConfig } from "vite";

// The chat app: frame.html and its hashed script and style, which the hub serves under /widget/static/.
export default defineConfig({
  base: "/widget/static/",
  resolve: {
    alias: [
      // The hub speaks websocket alone; long polling and webtransport would be a third of the library's weight.
      { find: /^\.\/transports\/index\.js$/, replacement: new URL("src/app/transports.ts", import.meta.url).pathname },
    ],
  },
  build: {
    outDir: "../dist/widget",
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: false,
    rolldownOptions: {
      input: "frame.html",
      treeshake: { moduleSideEffects: [{ test: /node_modules\/(socket\.io|engine\.io)/, sideEffects: false }] },
      output: { entryFileNames: "app-[hash].js", assetFileNames: "app-[hash][extname]" },
    },
  },
});
