import { Tabs } from "@mantine/core";
import { getRouteApi } from "@tanstack/react-router";
import { use } from "react";

import { usePageTitle } from "../parts/usePageTitle";
import { useText } from "../text";
import { Backtest } from "./Backtest";
import { Cases } from "./Cases";
import { Gaps } from "./Gaps";
import classes from "./Learning.module.css";
import { Lessons } from "./Lessons";
import { MenuButton } from "./Shell";

const route = getRouteApi("/shell/learning");
export const TABS = ["gaps", "lessons", "cases", "backtest"] as const;
const SCREENS = { gaps: Gaps, lessons: Lessons, cases: Cases, backtest: Backtest };

/** What customers' questions teach editors, and what a change would do before it is made. */
export function Learning() {
  const { t } = useText();
  const { tab = "gaps" } = route.useSearch();
  const navigate = route.useNavigate();
  const menuButton = use(MenuButton);
  const Screen = SCREENS[tab];
  usePageTitle(t("learning.title"));
  return (
    <div className={classes.page}>
      <header className={classes.bar}>
        {menuButton}
        <h1 className={classes.title}>{t("learning.title")}</h1>
      </header>
      <div className={classes.body}>
        <div className={classes.sheet}>
          <Tabs
            value={tab}
            onChange={(chosen) => void navigate({ search: { tab: TABS.find((each) => each === chosen) ?? "gaps" } })}
          >
            <Tabs.List>
              {TABS.map((each) => (
                <Tabs.Tab key={each} value={each} px={12}>
                  {t(`learning.${each}`)}
                </Tabs.Tab>
              ))}
            </Tabs.List>
            <Tabs.Panel value={tab}>
              <Screen />
            </Tabs.Panel>
          </Tabs>
        </div>
      </div>
    </div>
  );
}
