import { IconAlertTriangleFilled, IconChevronDown, IconChevronsUp, IconChevronUp, type Icon } from "./icons";

import type { Priority } from "../api/hub";
import { useText } from "../text";
import classes from "./Priority.module.css";

const ICONS: Record<Exclude<Priority, "none">, Icon> = {
  low: IconChevronDown,
  medium: IconChevronUp,
  high: IconChevronsUp,
  urgent: IconAlertTriangleFilled,
};

/** Nothing where there is no priority. */
export function PriorityMark({ priority, words = false }: { priority: Priority; words?: boolean }) {
  const { t } = useText();
  if (priority === "none") return null;
  const Sign = ICONS[priority];
  const name = t(`priority.${priority}`);
  return (
    <span className={classes.mark} data-priority={priority} title={name}>
      <Sign size={14} {...(words ? { "aria-hidden": true } : { role: "img", "aria-label": name })} />
      {words && name}
    </span>
  );
}
