import type { AuthorOut } from "@centralita/shared/api";
import { useSyncExternalStore } from "react";

import { Store } from "./store";

// A typist who vanished never says that they stopped.
const FORGOTTEN_AFTER = 6_000;

type Typists = Readonly<Record<string, readonly AuthorOut[]>>;
const typists = new Store<Typists>({});
const timers = new Map<string, ReturnType<typeof setTimeout>>();
const NOBODY: readonly AuthorOut[] = [];

export function heardTyping(conversationId: string, author: AuthorOut, on: boolean): void {
  const key = `${conversationId}/${author.kind}/${author.id ?? ""}`;
  clearTimeout(timers.get(key));
  timers.delete(key);
  const others = (typists.get()[conversationId] ?? NOBODY).filter(
    (one) => one.kind !== author.kind || one.id !== author.id,
  );
  typists.set({ ...typists.get(), [conversationId]: on ? [...others, author] : others });
  if (on) timers.set(key, setTimeout(() => heardTyping(conversationId, author, false), FORGOTTEN_AFTER));
}

export function useTypists(conversationId: string): readonly AuthorOut[] {
  return useSyncExternalStore(typists.subscribe, () => typists.get()[conversationId] ?? NOBODY);
}
