import { minify } from "terser";
import { defineConfig, type Plugin } from "vite";
import { slimSocketIo } from "./slim.ts";

const here = (path: string) => new URL(path, import.meta.url).pathname;

/** A second minifier after Vite's own: it also shortens the libraries' private members, all of them in this one file. */
const squeeze: Plugin = {
  name: "squeeze",
  async generateBundle(_, bundle) {
    for (const file of Object.values(bundle)) {
      if (file.type !== "chunk") continue;
      const { code } = await minify(file.code, {
        module: true,
        compress: { passes: 2, ecma: 2020, unsafe_arrows: true },
        mangle: { properties: { regex: /^_[a-z]/i } },
      });
      file.code = code ?? file.code;
    }
  },
};

// The chat app: frame.html and its hashed script and style, which the hub serves under /widget/static/.
export default defineConfig({
  base: "/widget/static/",
  plugins: [slimSocketIo(), squeeze],
  resolve: {
    // What the Socket.IO library carries and this chat never uses: long polling and webtransport (the hub speaks
    // websocket alone), binary packets (it speaks JSON), and an address of the hub other than the page's own.
    alias: [
      { find: /^\.\/transports\/index\.js$/, replacement: here("src/app/socketio/transports.ts") },
      { find: /^\.\/(is-)?binary\.js$/, replacement: here("src/app/socketio/binary.ts") },
      { find: /^engine\.io-parser$/, replacement: here("src/app/socketio/packets.ts") },
      { find: /^\.\.?\/globals\.node\.js$/, replacement: here("src/app/socketio/globals.ts") },
      { find: /^\.\/contrib\/parseuri\.js$/, replacement: here("src/app/socketio/unused.ts") },
    ],
  },
  build: {
    outDir: "../dist/widget",
    emptyOutDir: true,
    target: "es2022",
    cssTarget: ["chrome123", "firefox120", "safari17.5"], // color-scheme without a helper for older ones
    assetsInlineLimit: 0,
    modulePreload: false,
    rolldownOptions: {
      input: "frame.html",
      treeshake: { moduleSideEffects: [{ test: /node_modules\/(socket\.io|engine\.io)/, sideEffects: false }] },
      output: { entryFileNames: "app-[hash].js", assetFileNames: "app-[hash][extname]" },
    },
  },
});
