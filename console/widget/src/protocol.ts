/** What the shop's page and the chat's frame tell each other by `postMessage`, always to one exact origin. */

export type ToFrame =
  | { type: "init"; identity: string | null; open: boolean }
  | { type: "identify"; identity: string | null }
  | { type: "open" }
  | { type: "close" };

export type ToPage =
  | { type: "ready" }
  | { type: "close" }
  /** `visit`: there is a conversation worth a badge on the shop's next page. */
  | { type: "news"; unread: number; visit: boolean }
  | { type: "identity_refused" };
