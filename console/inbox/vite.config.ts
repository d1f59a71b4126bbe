import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

// The hub that `npm run dev` talks to.
const hub = process.env.HUB_URL ?? "http://127.0.0.1:8000";

export default defineConfig({
  base: "/inbox/",
  plugins: [react()],
  build: { outDir: "../dist/inbox", emptyOutDir: true, target: "es2022", modulePreload: { polyfill: false } },
  server: { proxy: { "/api": hub, "/socket.io": { target: hub, ws: true } } },
  test: { environment: "jsdom", setupFiles: "./src/testing/setup.ts", css: false },
});
