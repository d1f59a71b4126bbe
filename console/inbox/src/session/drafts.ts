/** What an agent has begun to write, kept per conversation on this computer until it is sent or they sign out. */
import { useSyncExternalStore } from "react";

import { Store } from "../live/store";

export interface Draft {
  kind: "reply" | "note";
  text: string;
}

const STORED = "centralita.draft.";
const EMPTY: Draft = { kind: "reply", text: "" };
const opened = new Map<string, Store<Draft>>();

function draftStore(conversationId: string): Store<Draft> {
  let store = opened.get(conversationId);
  if (!store) {
    const stored = localStorage.getItem(STORED + conversationId);
    store = new Store(stored ? (JSON.parse(stored) as Draft) : EMPTY);
    opened.set(conversationId, store);
  }
  return store;
}

export function setDraft(conversationId: string, draft: Draft): void {
  draftStore(conversationId).set(draft);
  if (draft.text) localStorage.setItem(STORED + conversationId, JSON.stringify(draft));
  else localStorage.removeItem(STORED + conversationId);
}

export function getDraft(conversationId: string): Draft {
  return draftStore(conversationId).get();
}

/** Adds a passage to the reply that is being written, as a paragraph of its own. */
export function insertIntoDraft(conversationId: string, passage: string): void {
  const { kind, text } = getDraft(conversationId);
  setDraft(conversationId, { kind, text: text.trim() ? `${text.trimEnd()}\n\n${passage}` : passage });
}

export function useDraft(conversationId: string): Draft {
  const store = draftStore(conversationId);
  return useSyncExternalStore(store.subscribe, store.get);
}

export function forgetDrafts(): void {
  opened.clear();
  for (const key of Object.keys(localStorage)) if (key.startsWith(STORED)) localStorage.removeItem(key);
}
