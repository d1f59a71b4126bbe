import type { AwaitedVendor, SlaOut } from "@centralita/shared/api";
import { useQuery } from "@tanstack/react-query";
import { IconAlertTriangleFilled, IconBuilding, IconClock } from "./icons";

import { vendorsQuery } from "../api/queries";
import { dayAndTime } from "../format/time";
import { useText } from "../text";
import classes from "./Promise.module.css";
import { Until } from "./Since";

/** The promise that is due first: which, how it stands, and how long there is or since when it is broken. */
export function PromiseMark({ sla, words = false }: { sla: SlaOut | null; words?: boolean }) {
  const { t } = useText();
  if (!sla) return null;
  const Sign = sla.state === "breached" ? IconAlertTriangleFilled : IconClock;
  const state = t(`sla.${sla.state}`);
  const reasons = sla.state === "paused" ? sla.paused_by.map((reason) => t(`sla.by.${reason}`)).join(", ") : "";
  const name = `${t(`sla.${sla.clock}`)}: ${reasons ? `${state} (${reasons})` : state}`;
  return (
    <span className={classes.mark} data-state={sla.state} title={name}>
      <Sign size={13} role="img" aria-label={name} /> {(words || !sla.due_at) && <span>{words ? t(`sla.${sla.clock}`) : state}</span>}
      {sla.due_at && <Until at={sla.due_at} />}
      {words && !sla.due_at && <span>{reasons || state}</span>}
    </span>
  );
}

/** The outside firm that is to answer: by when, and whether it is late. */
export function AwaitedMark({ awaited }: { awaited: AwaitedVendor | null }) {
  const text = useText();
  const { data } = useQuery({ ...vendorsQuery, enabled: awaited !== null });
  if (!awaited) return null;
  const firm = data?.items.find(({ id }) => id === awaited.vendor_id)?.name ?? "";
  const name = text.t(awaited.overdue ? "awaited.overdue" : "awaited.due", { firm, when: dayAndTime(awaited.due_at, text) });
  return (
    <span className={classes.mark} data-state={awaited.overdue ? "breached" : "running"} title={name}>
      <IconBuilding size={13} role="img" aria-label={name} /> <Until at={awaited.due_at} />
    </span>
  );
}
