/** The live connection: Socket.IO over one websocket, namespace `/widget`. */
import { Manager, type Socket } from "socket.io-client";
import type { FeedPage } from "./types";

export interface LiveHandlers {
  /** A token for one handshake; a rejection puts the attempt off. */
  token: () => Promise<string>;
  onJoined: () => void;
  onLost: () => void;
  /** An attempt failed, the n-th in a row. */
  onRefused: (attempts: number) => void;
  onEvents: (push: Omit<FeedPage, "more"> & { after?: string }) => void;
  onTyping: (typing: { author_name: string; on: boolean }) => void;
}

export interface Live {
  typing(on: boolean): void;
  /** The network may be back: try now. */
  hurry(): void;
  stop(): void;
}

const REPEAT = 3000;

export function connect(handlers: LiveHandlers): Live {
  const manager = new Manager({
    transports: ["websocket"],
    upgrade: false,
    path: "/socket.io",
    reconnectionDelay: 500,
    reconnectionDelayMax: 15_000,
    timeout: 10_000,
    autoConnect: false,
  });
  let refusals = 0;
  let stopped = false;
  let repeat: ReturnType<typeof setTimeout> | undefined;

  const socket: Socket = manager.socket("/widget", {
    auth: (give) => {
      // Closing the transport is how an attempt is put off: the manager waits and comes again.
      handlers.token().then(
        (token) => give({ token }),
        () => manager.engine.close(),
      );
    },
  });

  /** The manager repeats what the network broke, but not what the hub itself ended or refused. */
  function again(): void {
    clearTimeout(repeat);
    if (!stopped && !socket.active) repeat = setTimeout(() => socket.connect(), REPEAT);
  }

  function refused(): void {
    refusals += 1;
    handlers.onRefused(refusals);
    again();
  }

  socket.on("connect", () => {
    refusals = 0;
    handlers.onJoined();
  });
  socket.on("disconnect", () => {
    handlers.onLost();
    again();
  });
  socket.on("connect_error", refused);
  socket.on("events", handlers.onEvents);
  socket.on("typing", handlers.onTyping);
  socket.connect();

  return {
    typing(on) {
      if (socket.connected) socket.emit("typing", { on });
    },
    hurry() {
      if (socket.connected || stopped) return;
      // Down and up again: the only way to cut the manager's pause short.
      socket.disconnect().connect();
    },
    stop() {
      stopped = true;
      clearTimeout(repeat);
      socket.disconnect();
    },
  };
}
