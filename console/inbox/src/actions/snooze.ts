import { IconZzz } from "../parts/icons";

import * as hub from "../api/hub";
import { dayAndTime } from "../format/time";
import type { PlainKey } from "../text";
import type { Action } from "./action";

export const snooze: Action<Date> = {
  name: "snooze",
  label: "action.snooze",
  icon: IconZzz,
  available: ({ merged_into, status }) => merged_into === null && (status === "waiting" || status === "assigned"),
  perform: async ({ conversation, text }, until) => ({
    row: await hub.snooze(conversation.id, until),
    said: text.t("snooze.done", { time: dayAndTime(until.toISOString(), text) }),
  }),
};

const MORNING = 9;

/** The times that people mean when they put something off, in their own time zone. */
export function snoozeChoices(now: Date): { label: PlainKey; until: Date }[] {
  const inHours = (hours: number) => new Date(now.getTime() + hours * 3_600_000);
  const morning = (days: number) => new Date(now.getFullYear(), now.getMonth(), now.getDate() + days, MORNING);
  const untilMonday = (8 - now.getDay()) % 7 || 7;
  return [
    { label: "snooze.hour", until: inHours(1) },
    { label: "snooze.threeHours", until: inHours(3) },
    { label: "snooze.tomorrow", until: morning(1) },
    ...(untilMonday > 1 ? [{ label: "snooze.monday" as const, until: morning(untilMonday) }] : []),
  ];
}
