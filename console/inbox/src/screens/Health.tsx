import { Button } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import type { OutboxRowOut, PartHealth } from "@centralita/shared/api";
import { IconAlertTriangle, IconCircleCheck, IconLoader2 } from "../parts/icons";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { use, useState } from "react";

import { explain } from "../actions/explain";
import { replayRow } from "../actions/replayRow";
import { deadRowsQuery, healthQuery } from "../api/queries";
import { dayAndTime } from "../format/time";
import { Failed, Loading } from "../parts/Pane";
import { usePageTitle } from "../parts/usePageTitle";
import { useMe } from "../session/me";
import { may } from "../session/permissions";
import { useText } from "../text";
import classes from "./Health.module.css";
import { MenuButton } from "./Shell";

const SIGNS = { ok: IconCircleCheck, warming: IconLoader2, degraded: IconAlertTriangle } as const;

export function Health() {
  const { t } = useText();
  const me = useMe();
  const menuButton = use(MenuButton);
  const query = useQuery(healthQuery);
  usePageTitle(t("health.title"));
  const Sign = query.data && SIGNS[query.data.state];
  return (
    <div className={classes.page}>
      <header className={classes.bar}>
        {menuButton}
        <h1 className={classes.title}>{t("health.title")}</h1>
      </header>
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- a region that scrolls must take the focus */}
      <div className={classes.body} role="region" aria-label={t("health.title")} tabIndex={0}>
        <div className={classes.sheet}>
          {query.isPending && <Loading lines={4} />}
          {query.isError && !query.data && <Failed error={query.error} again={() => void query.refetch()} />}
          {query.data && Sign && (
            <>
              <p className={classes.summary} role="status" data-state={query.data.state}>
                <Sign size={22} aria-hidden /> {t(`health.${query.data.state}`)}
              </p>
              <h2 className={classes.heading}>{t("health.parts")}</h2>
              <ul className={classes.parts}>
                {query.data.parts.map((part) => (
                  <Part key={`${part.name} ${part.detail.inbox ?? ""}`} part={part} />
                ))}
              </ul>
            </>
          )}
          {may(me, "run_jobs") && <Dead />}
        </div>
      </div>
    </div>
  );
}

const FINE = new Set(["ok", "ready"]);
const BAD = new Set(["down", "failed", "degraded", "dead_rows"]);

function Part({ part }: { part: PartHealth }) {
  const { word } = useText();
  const level = FINE.has(part.state) ? "fine" : BAD.has(part.state) ? "bad" : "other";
  return (
    <li className={classes.part}>
      <span className={classes.partName}>
        <span aria-hidden className={classes.dot} data-level={level} />
        {word("part", part.name)}
      </span>
      <span className={classes.partState} data-level={level}>
        {word("state", part.state)}
      </span>
      {Object.keys(part.detail).length > 0 && (
        <dl className={classes.detail}>
          {Object.entries(part.detail).map(([name, value]) => (
            <div key={name}>
              <dt>{word("detail", name)}</dt>
              <dd>{value}</dd>
            </div>
          ))}
        </dl>
      )}
    </li>
  );
}

function Dead() {
  const { t } = useText();
  const query = useQuery(deadRowsQuery);
  return (
    <section>
      <h2 className={classes.heading}>{t("health.dead")}</h2>
      <p className={classes.soft}>{t("health.deadHint")}</p>
      {query.isPending && <Loading lines={2} />}
      {query.isError && !query.data && <Failed error={query.error} again={() => void query.refetch()} />}
      {query.data?.items.length === 0 && <p className={classes.none}>{t("health.deadNone")}</p>}
      <ul className={classes.parts}>{query.data?.items.map((row) => <DeadRow key={row.id} row={row} />)}</ul>
    </section>
  );
}

function DeadRow({ row }: { row: OutboxRowOut }) {
  const text = useText();
  const { t } = text;
  const client = useQueryClient();
  const [busy, setBusy] = useState(false);

  async function replay() {
    setBusy(true);
    try {
      await replayRow(client, row.id);
      notifications.show({ message: t("health.replayed"), autoClose: 3_000 });
    } catch (error) {
      notifications.show({ message: explain(error, text), color: "red" });
    } finally {
      setBusy(false);
    }
  }

  return (
    <li className={classes.part}>
      <span className={classes.partName}>{row.handler}</span>
      <Button size="compact-sm" variant="light" loading={busy} onClick={() => void replay()}>
        {t("health.replay")}
      </Button>
      <p className={classes.error}>{row.last_error}</p>
      <p className={classes.soft}>
        {t("health.attempts")}: {row.attempts} · {t("health.created")}: {dayAndTime(row.created_at, text)} · {row.order_key}
      </p>
    </li>
  );
}
