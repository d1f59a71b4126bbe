import type { HealthOut } from "@centralita/shared/api";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";

import { listenersQuery } from "../api/queries";
import { dayAndTime } from "../format/time";
import { IconAlertTriangle } from "../parts/icons";
import { useMe } from "../session/me";
import { may } from "../session/permissions";
import { useText } from "../text";
import classes from "./ListenerBanner.module.css";

/** Says to those who can do something about it that an inbox gets nothing: mail must not stop in silence. */
export function ListenerBanner() {
  return may(useMe(), "read_health") ? <Watching /> : null;
}

function Watching() {
  const text = useText();
  const { t, counted } = text;
  const { data, dataUpdatedAt } = useQuery(listenersQuery);
  const down = silent(data, dataUpdatedAt);
  const stopped = (data?.parts ?? []).filter(({ name }) => name === "sending");
  // The region is there before it says something, or no screen reader would read it.
  return (
    <div role="alert" className={classes.banner} hidden={down.length + stopped.length === 0}>
      {stopped.map(({ detail }) => (
        <p key={`sending ${detail.inbox_id}`}>
          <IconAlertTriangle size={17} aria-hidden />
          <span>
            {t("sending.stopped", { inbox: detail.inbox ?? "", why: detail.error ?? "" })}{" "}
            {counted("sending.waiting", Number(detail.waiting ?? 0))} <Link to="/health">{t("listener.why")}</Link>
          </span>
        </p>
      ))}
      {down.map(({ inbox, since }) => (
        <p key={inbox}>
          <IconAlertTriangle size={17} aria-hidden />
          <span>
            {since === null
              ? t("listener.down", { inbox })
              : t("listener.downSince", { inbox, time: dayAndTime(new Date(since).toISOString(), text) })}{" "}
            <Link to="/health">{t("listener.why")}</Link>
          </span>
        </p>
      ))}
    </div>
  );
}

/** Inboxes that are not listened to, and since when (milliseconds); null where that is not known. */
export function silent(health: HealthOut | undefined, readAt: number): { inbox: string; since: number | null }[] {
  return (health?.parts ?? [])
    .filter(({ name, state }) => name === "listener" && state === "down")
    .map(({ detail }) => {
      const seconds = Number(detail.seen_seconds_ago ?? detail.since_seconds ?? NaN);
      return { inbox: detail.inbox ?? "", since: Number.isNaN(seconds) ? null : readAt - seconds * 1_000 };
    });
}
