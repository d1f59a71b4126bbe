/** Stands in for engine.io-client's own table of transports (see vite.config.ts). */
import { WebSocket } from "engine.io-client";

export const transports = {
  // Asked for late: the library's modules import each other in a circle, and this one is evaluated in its middle.
  get websocket() {
    return WebSocket;
  },
};
