import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// The hub that `npm run dev` talks to.
const hub = process.env.HUB_URL ?? "http://127.0.0.1:8000";

// The first with light-dark(), which both colour schemes are written with (2024).
const BROWSERS = ["chrome123", "firefox120", "safari17.5"];

export default defineConfig({
  base: "/inbox/",
  plugins: [react()],
  build: { outDir: "../dist/inbox", emptyOutDir: true, target: "es2022", cssTarget: BROWSERS, modulePreload: { polyfill: false } },
  server: { proxy: { "/api": hub, "/socket.io": { target: hub, ws: true } } },
});
