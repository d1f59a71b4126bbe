import { UnstyledButton } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import {
  IconBook,
  IconBulb,
  IconCheck,
  IconClockPause,
  IconHeartbeat,
  IconInbox,
  IconKeyboard,
  IconMailPause,
  IconMessages,
  IconRobot,
  IconSettings,
  IconUser,
  IconUsers,
  IconUsersPlus,
  type Icon,
} from "../parts/icons";
import type { Counters } from "@centralita/shared/api";
import { useQuery } from "@tanstack/react-query";
import { Link, useSearch } from "@tanstack/react-router";
import { useEffect, useRef, type ReactNode } from "react";

import type { View } from "../api/hub";
import { countersQuery, teamsQuery } from "../api/queries";
import { ConnectionMark } from "../parts/ConnectionMark";
import { useMe } from "../session/me";
import { may } from "../session/permissions";
import { useText } from "../text";
import { Account } from "./Account";
import classes from "./Navigation.module.css";

const VIEWS: { view: View; icon: Icon }[] = [
  { view: "queue", icon: IconInbox },
  { view: "mine", icon: IconUser },
  { view: "helping", icon: IconUsersPlus },
  { view: "all", icon: IconMessages },
  { view: "bot", icon: IconRobot },
  { view: "snoozed", icon: IconClockPause },
  { view: "resolved", icon: IconCheck },
];

function badge(view: View, counters: Counters | undefined): number | undefined {
  return view === "all" || view === "resolved" ? undefined : counters?.[view];
}

export function Navigation({ onHelp }: { onHelp: () => void }) {
  const { t } = useText();
  const me = useMe();
  const converses = may(me, "converse");
  return (
    <div className={classes.navigation}>
      <div className={classes.brand}>
        <img src={`${import.meta.env.BASE_URL}icon.svg`} alt="" width={26} height={26} />
        <span>{t("app.name")}</span>
        {converses && <ConnectionMark />}
      </div>
      <nav aria-label={t("nav.label")} className={classes.links}>
        {converses && <Views />}
        <p className={classes.heading}>{t("nav.more")}</p>
        <Link to="/articles" className={classes.link}>
          <IconBook size={18} aria-hidden /> {t("nav.articles")}
        </Link>
        {may(me, "edit_articles") && (
          <Link to="/learning" search={{}} className={classes.link}>
            <IconBulb size={18} aria-hidden /> {t("nav.learning")}
          </Link>
        )}
        {may(me, "read_floor") && (
          <Link to="/floor" className={classes.link}>
            <IconUsers size={18} aria-hidden /> {t("nav.floor")}
          </Link>
        )}
        {may(me, "read_sources") && (
          <Link to="/held-back" className={classes.link}>
            <IconMailPause size={18} aria-hidden /> {t("nav.heldBack")}
          </Link>
        )}
        {may(me, "read_health") && (
          <Link to="/health" className={classes.link}>
            <IconHeartbeat size={18} aria-hidden /> {t("nav.health")}
          </Link>
        )}
        {may(me, "read_floor") && (
          <Link to="/settings" className={classes.link}>
            <IconSettings size={18} aria-hidden /> {t("nav.settings")}
          </Link>
        )}
        <UnstyledButton onClick={onHelp} className={classes.link}>
          <IconKeyboard size={18} aria-hidden /> {t("nav.shortcuts")}
        </UnstyledButton>
      </nav>
      <Account />
    </div>
  );
}

function Views() {
  const { t } = useText();
  const { data: counters } = useQuery(countersQuery);
  const { data: teams } = useQuery(teamsQuery);
  // A team's link is the queue's with a filter: only one of the two is where we are.
  const { team } = useSearch({ strict: false });
  const helping = counters?.helping;
  const before = useRef(helping);
  useEffect(() => {
    if (helping !== undefined && before.current !== undefined && helping > before.current) {
      notifications.show({ message: t("colleague.asked"), autoClose: 10_000 });
    }
    before.current = helping;
  }, [helping, t]);
  return (
    <>
      {VIEWS.map(({ view, icon: Sign }) => (
        <Link
          key={view}
          to="/$view"
          params={{ view }}
          search={{}}
          activeOptions={{ exact: false, includeSearch: false }}
          activeProps={{ className: team === undefined ? "active" : "" }}
          className={classes.link}
        >
          <Sign size={18} aria-hidden /> {t(`view.${view}`)}
          <Count urgent={view === "queue"}>{badge(view, counters)}</Count>
        </Link>
      ))}
      {teams && teams.items.length > 0 && <p className={classes.heading}>{t("nav.teams")}</p>}
      {teams?.items.map((team) => (
        <Link
          key={team.id}
          to="/$view"
          params={{ view: "queue" }}
          search={{ team: team.id }}
          activeOptions={{ exact: false, includeSearch: true }}
          activeProps={{ className: "active" }}
          className={classes.link}
        >
          <IconUsers size={18} aria-hidden /> {team.name}
          <Count>{counters?.queue_by_team[team.id]}</Count>
        </Link>
      ))}
    </>
  );
}

function Count({ children, urgent = false }: { children: ReactNode; urgent?: boolean }) {
  if (!children) return null;
  return (
    <span className={classes.count} data-urgent={urgent || undefined}>
      {children}
    </span>
  );
}
