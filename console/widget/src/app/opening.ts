/** Whether somebody is there, and when again, on the customer's own clock. Pure. */
import type { Language, Opening } from "./types";

const DAY = 86_400_000;

/** `null` while somebody is there, else what is said of the next time: empty where there is none. */
export function away(open: Opening[] | null, now: number, language: Language): string | null {
  const next = open?.find(({ ends }) => Date.parse(ends) > now);
  const at = next && new Date(next.begins);
  if (!open || (at && +at <= now)) return null;
  return at ? moment(at, new Date(now), language) : "";
}

function moment(at: Date, now: Date, language: Language): string {
  const days = Math.round((midnight(at) - midnight(now)) / DAY);
  const say = (options: Intl.DateTimeFormatOptions) => at.toLocaleString(language, options);
  const day =
    days < 2
      ? new Intl.RelativeTimeFormat(language, { numeric: "auto" }).format(days, "day")
      : say(days < 7 ? { weekday: "long" } : { dateStyle: "long" });
  return `${day}, ${say({ timeStyle: "short" })}`;
}

/** Of the customer's own day; `Math.round` above forgives the hour that summer time moves. */
function midnight(at: Date): number {
  return new Date(at).setHours(0, 0, 0, 0);
}
