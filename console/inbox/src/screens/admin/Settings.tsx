import { Link, Outlet } from "@tanstack/react-router";
import { use } from "react";

import { useMe } from "../../session/me";
import { may, type Permission } from "../../session/permissions";
import { usePageTitle } from "../../parts/usePageTitle";
import { useText, type PlainKey } from "../../text";
import health from "../Health.module.css";
import { MenuButton } from "../Shell";
import classes from "./Admin.module.css";

/** Everything that can be set, in the order of the list. Whoever builds a further page adds it here and in the router. */
export const PAGES = [
  { to: "/settings/people", label: "admin.people", needs: "edit_people" },
  { to: "/settings/inboxes", label: "inboxes.title", needs: "edit_inboxes" },
  { to: "/settings/teams", label: "admin.teams", needs: "edit_routing" },
  { to: "/settings/skills", label: "admin.skills", needs: "edit_routing" },
  { to: "/settings/shifts", label: "admin.shifts", needs: "edit_routing" },
  { to: "/settings/hours", label: "admin.hours", needs: "edit_promises" },
  { to: "/settings/promises", label: "admin.promises", needs: "edit_promises" },
  { to: "/settings/answers", label: "admin.answers", needs: "edit_routing" },
  { to: "/settings/reasons", label: "admin.reasons", needs: "edit_routing" },
  { to: "/settings/vendors", label: "admin.vendors", needs: "edit_vendors" },
  { to: "/settings/questions", label: "admin.questions", needs: "edit_routing" },
  { to: "/settings/try", label: "admin.try", needs: "edit_routing" },
  { to: "/settings/staffing", label: "admin.staffing", needs: "read_floor" },
] as const satisfies { to: string; label: PlainKey; needs: Permission }[];

/** The settings: a list of pages, and the one that is open. */
export function Settings() {
  const { t } = useText();
  const me = useMe();
  const menuButton = use(MenuButton);
  usePageTitle(t("admin.title"));
  return (
    <div className={classes.page}>
      <header className={health.bar}>
        {menuButton}
        <h1 className={health.title}>{t("admin.title")}</h1>
      </header>
      <div className={classes.columns}>
        <nav aria-label={t("admin.title")} className={classes.side}>
          {PAGES.filter(({ needs }) => may(me, needs)).map(({ to, label }) => (
            <Link key={to} to={to}>
              {t(label)}
            </Link>
          ))}
        </nav>
        <div className={classes.main}>
          <div className={classes.sheet}>
            <Outlet />
          </div>
        </div>
      </div>
    </div>
  );
}
