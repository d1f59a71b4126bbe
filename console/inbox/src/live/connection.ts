import type { AuthorOut, Entry, Feed as FeedPage } from "@centralita/shared/api";
import { Feed, type FeedPush, type FeedState } from "@centralita/shared/feed";
import type { QueryClient } from "@tanstack/react-query";
import { useSyncExternalStore } from "react";
import type { Socket } from "socket.io-client";

import * as hub from "../api/hub";
import { applyEntries } from "./apply";
import { Store } from "./store";
import { heardTyping } from "./typing";

/** From this many missed pages of 200 entries on, loading everything afresh is quicker than replaying. */
const REPLAYED_PAGES = 10;
const REFUSED_RETRY = 3_000;

export const connectionState = new Store<FeedState>("catching_up");

/** The running link of a signed-in agent to the hub: one socket, one feed. */
class Live {
  private socket: Socket | null = null;
  private stopped = false;
  private readonly feed: Feed<Entry>;

  constructor(client: QueryClient, cursor: string) {
    this.feed = new Feed<Entry>({
      cursor,
      load: (after): Promise<FeedPage> => hub.events(after),
      apply: (entries) => applyEntries(client, entries),
      onState: connectionState.set,
      onTooFarBehind: () => void client.invalidateQueries(),
      pageLimit: REPLAYED_PAGES,
    });
  }

  async start(): Promise<void> {
    const { io } = await import("socket.io-client");
    if (this.stopped) return;
    const socket = (this.socket = io("/agents", { transports: ["websocket"], reconnectionDelayMax: 5_000 }));
    socket.on("connect", () => this.feed.joined());
    socket.on("events", (push: FeedPush<Entry>) => this.feed.push(push));
    socket.on("typing", (typing: { conversation_id: string; author: AuthorOut; on: boolean }) =>
      heardTyping(typing.conversation_id, typing.author, typing.on),
    );
    const lost = () => {
      this.feed.disconnected();
      // `active` is false when the hub itself refused or closed: the library leaves trying again to us then.
      if (!socket.active) {
        setTimeout(() => void this.reconnect(socket), REFUSED_RETRY);
      }
    };
    socket.on("disconnect", lost);
    socket.on("connect_error", lost);
  }

  /** Asking for the session first leads to the sign-in page when it is the session that was refused. */
  private async reconnect(socket: Socket): Promise<void> {
    if (this.stopped) return;
    await hub.session().catch(() => undefined);
    if (running === this) socket.connect();
  }

  stop(): void {
    this.stopped = true;
    this.feed.disconnected();
    this.socket?.disconnect();
  }

  tellReading(conversationId: string): void {
    if (this.socket?.connected) this.socket.emit("reading", { conversation_id: conversationId });
  }

  tellTyping(conversationId: string, on: boolean): void {
    if (this.socket?.connected) this.socket.emit("typing", { conversation_id: conversationId, on });
  }
}

let running: Live | null = null;

/** Begins to follow the feed from `cursor`. Lists have to be read after that cursor was. */
export function goLive(client: QueryClient, cursor: string): void {
  running?.stop();
  running = new Live(client, cursor);
  void running.start();
}

export function isLive(): boolean {
  return running !== null;
}

export function endLive(): void {
  running?.stop();
  running = null;
}

/** An agent has a conversation of theirs before them. */
export function tellReading(conversationId: string): void {
  running?.tellReading(conversationId);
}

export function tellTyping(conversationId: string, on: boolean): void {
  running?.tellTyping(conversationId, on);
}

export function useConnection(): FeedState {
  return useSyncExternalStore(connectionState.subscribe, connectionState.get);
}
