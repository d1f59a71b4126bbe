import { useSyncExternalStore } from "react";

import { duration } from "../format/time";
import { useText } from "../text";

// One timer for all clocks on the screen, and none while there is no clock.
let now = Date.now();
let timer: ReturnType<typeof setInterval> | undefined;
const watchers = new Set<() => void>();

function watch(watcher: () => void): () => void {
  watchers.add(watcher);
  timer ??= setInterval(() => {
    now = Date.now();
    for (const each of watchers) each();
  }, 1_000);
  return () => {
    watchers.delete(watcher);
    if (watchers.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}

/** The time (milliseconds), ticking. */
export function useNow(): number {
  return useSyncExternalStore(watch, () => now);
}

/** How long ago `at` was, ticking. */
export function Since({ at }: { at: string }) {
  const text = useText();
  // The words change once a minute for most rows: React compares them and leaves the page alone in between.
  return useSyncExternalStore(watch, () => duration(Math.max(now, Date.parse(at)) - Date.parse(at), text));
}

/** How long there is until `at`, ticking; in words once it is over. */
export function Until({ at }: { at: string }) {
  const text = useText();
  return useSyncExternalStore(watch, () => {
    const left = Date.parse(at) - now;
    const time = duration(Math.abs(left), text);
    return left < 0 ? text.t("sla.late", { time }) : text.t("sla.left", { time });
  });
}
