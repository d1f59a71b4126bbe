import { ActionIcon, Drawer } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconMenu2 } from "../parts/icons";
import { Outlet, useRouterState } from "@tanstack/react-router";
import { createContext, useEffect } from "react";
import { useQueryClient } from "@tanstack/react-query";

import { sendAgain } from "../actions/send";
import { connectionState } from "../live/connection";
import { useShortcuts } from "../parts/useShortcuts";
import { useText } from "../text";
import { HelpSheet } from "./HelpSheet";
import { ListenerBanner } from "./ListenerBanner";
import { Navigation } from "./Navigation";
import { Offers } from "./Offers";
import classes from "./Shell.module.css";

/** The button that opens the views on a phone; a screen puts it into its own bar. */
export const MenuButton = createContext<React.ReactNode>(null);

export function Shell() {
  const { t } = useText();
  const client = useQueryClient();
  const [menu, { open, close }] = useDisclosure(false);
  const [help, { open: openHelp, close: closeHelp }] = useDisclosure(false);
  const path = useRouterState({ select: (state) => state.location.pathname });

  useShortcuts({ "?": openHelp });
  useEffect(close, [path, close]);
  useEffect(
    () =>
      connectionState.subscribe(() => {
        if (connectionState.get() === "live") sendAgain(client);
      }),
    [client],
  );

  return (
    <div className={classes.shell}>
      <a href="#main" className="skip">
        {t("app.skip")}
      </a>
      <aside className={classes.rail}>
        <Navigation onHelp={openHelp} />
      </aside>
      <Drawer opened={menu} onClose={close} size={270} title={t("app.name")} closeButtonProps={{ "aria-label": t("shortcuts.close") }} padding={0} classNames={{ header: classes.menuHeader ?? "" }}>
        <Navigation onHelp={openHelp} />
      </Drawer>
      <main id="main" tabIndex={-1} className={classes.main}>
        <MenuButton
          value={
            <ActionIcon variant="subtle" color="gray" size="lg" aria-label={t("nav.open")} onClick={open} className={classes.menuButton ?? ""}>
              <IconMenu2 size={20} aria-hidden />
            </ActionIcon>
          }
        >
          <ListenerBanner />
          <Offers />
          <div className={classes.screen}>
            <Outlet />
          </div>
        </MenuButton>
      </main>
      <HelpSheet opened={help} onClose={closeHelp} />
    </div>
  );
}
