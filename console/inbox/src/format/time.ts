import type { Text } from "../text";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** How long something lasts or has lasted, in its largest useful units. `milliseconds` below zero count as none. */
export function duration(milliseconds: number, { t, counted }: Text): string {
  const elapsed = Math.max(0, milliseconds);
  if (elapsed < MINUTE) return t("time.seconds", { count: Math.floor(elapsed / 1000) });
  if (elapsed < HOUR) return t("time.minutes", { count: Math.floor(elapsed / MINUTE) });
  if (elapsed < DAY) {
    return t("time.hours", { hours: Math.floor(elapsed / HOUR), minutes: Math.floor((elapsed % HOUR) / MINUTE) });
  }
  return counted("time.days", Math.floor(elapsed / DAY));
}

const formats = new Map<string, Intl.DateTimeFormat>();

function format(locale: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  // Making one costs more than using it a hundred times, and a list formats every row.
  const key = locale + JSON.stringify(options);
  let made = formats.get(key);
  if (!made) formats.set(key, (made = new Intl.DateTimeFormat(locale, options)));
  return made;
}

export function sameDay(one: Date, other: Date): boolean {
  return one.toDateString() === other.toDateString();
}

export function clock(at: string, { locale }: Text): string {
  return format(locale, { hour: "2-digit", minute: "2-digit" }).format(new Date(at));
}

export function dayAndTime(at: string, { locale }: Text): string {
  return format(locale, { dateStyle: "medium", timeStyle: "short" }).format(new Date(at));
}

/** Today, yesterday, or the date: the separators of a thread. */
export function day(at: string, { t, locale }: Text, now = new Date()): string {
  const date = new Date(at);
  if (sameDay(date, now)) return t("thread.today");
  const yesterday = new Date(now);
  yesterday.setDate(now.getDate() - 1);
  if (sameDay(date, yesterday)) return t("thread.yesterday");
  const year = date.getFullYear() === now.getFullYear() ? {} : { year: "numeric" as const };
  return format(locale, { weekday: "long", day: "numeric", month: "long", ...year }).format(date);
}

/** As short as a list wants it: the time today, else the date. */
export function brief(at: string, text: Text, now = new Date()): string {
  const date = new Date(at);
  if (sameDay(date, now)) return clock(at, text);
  const year = date.getFullYear() === now.getFullYear() ? {} : { year: "2-digit" as const };
  return format(text.locale, { day: "numeric", month: "short", ...year }).format(date);
}
