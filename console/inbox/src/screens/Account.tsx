import { Popover, UnstyledButton } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { IconChevronUp, IconLogout } from "../parts/icons";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useRouter } from "@tanstack/react-router";
import { useState } from "react";

import { explain } from "../actions/explain";
import { setPresence } from "../actions/setPresence";
import { signOut } from "../actions/signOut";
import type { Presence } from "../api/hub";
import { presenceQuery, presenceReasonsQuery } from "../api/queries";
import { share } from "../format/number";
import { Person } from "../parts/Person";
import { LanguageChoice, SchemeChoice } from "../parts/Settings";
import { Since, Until } from "../parts/Since";
import { useMe } from "../session/me";
import { useText } from "../text";
import classes from "./Account.module.css";

const PRESENCES = ["available", "busy", "wrap_up", "break", "offline"] as const satisfies Presence[];

/** Who I am, whether I am there, and how the app looks to me. */
export function Account() {
  const text = useText();
  const { t, language } = text;
  const me = useMe();
  const { data: mine } = useQuery(presenceQuery);
  const { data: reasons } = useQuery(presenceReasonsQuery);
  const named = reasons?.items ?? [];
  const reason = mine?.presence === me.presence ? mine.reason : "";
  const told = named.find((each) => each.code === reason);
  const why = told ? told[language === "es" ? "name_es" : "name_en"] : reason === "missed_offer" ? t("presence.missedOffer") : reason === "resolved" ? t("presence.resolved") : "";
  const client = useQueryClient();
  const router = useRouter();
  const [opened, setOpened] = useState(false);
  const [asking, setAsking] = useState<Presence | null>(null);

  const failed = (error: unknown) => notifications.show({ message: explain(error, text), color: "red" });

  async function choose(presence: Presence, reason: string) {
    setOpened(false);
    setAsking(null);
    await setPresence(client, presence, reason).catch(failed);
  }

  async function leave() {
    try {
      await signOut(client);
      await router.navigate({ to: "/sign-in", search: {} });
    } catch (error) {
      failed(error);
    }
  }

  return (
    <Popover opened={opened} onChange={setOpened} position="top-start" width={240} trapFocus shadow="md">
      <Popover.Target>
        <UnstyledButton className={classes.me} onClick={() => setOpened(!opened)}>
          <Person id={me.id} name={me.name} size={32} />
          <span className={classes.who}>
            <span className={classes.name}>{me.name}</span>
            <span className={classes.presence}>
              <span aria-hidden className={classes.dot} data-presence={me.presence} />
              {t(`presence.${me.presence}`)}
              {why && ` · ${why}`}
              {mine?.since && mine.presence === me.presence && (
                <>
                  {" · "}
                  {mine.until ? <Until at={mine.until} /> : <Since at={mine.since} />}
                </>
              )}
            </span>
            {mine && mine.load > 0 && (
              <span className={classes.load} title={t("presence.load", { share: share(mine.load, text) })}>
                <span aria-hidden className={classes.track}>
                  <span data-full={mine.load >= 1 || undefined} style={{ width: `${Math.min(100, mine.load * 100).toString()}%` }} />
                </span>
                <span aria-label={t("presence.load", { share: share(mine.load, text) })} role="img">
                  {share(mine.load, text)}
                </span>
              </span>
            )}
          </span>
          <IconChevronUp size={16} aria-hidden />
        </UnstyledButton>
      </Popover.Target>
      <Popover.Dropdown p={8}>
        <p className={classes.heading} id="presence-heading">
          {t("presence.label")}
        </p>
        <div role="group" aria-labelledby="presence-heading">
          {PRESENCES.map((presence) => (
            <UnstyledButton
              key={presence}
              aria-pressed={presence === me.presence}
              className={classes.choice}
              onClick={() =>
                named.some((each) => each.presence === presence) ? setAsking(presence) : void choose(presence, "")
              }
            >
              <span aria-hidden className={classes.dot} data-presence={presence} />
              {t(`presence.${presence}`)}
            </UnstyledButton>
          ))}
        </div>
        {asking && (
          <div className={classes.reason} role="group" aria-labelledby="reason-heading">
            <p className={classes.heading} id="reason-heading">
              {t("presence.reasonFor", { presence: t(`presence.${asking}`) })}
            </p>
            {[...named.filter((each) => each.presence === asking), null].map((reason, index) => (
              <UnstyledButton
                key={reason?.code ?? ""}
                className={classes.choice}
                // eslint-disable-next-line jsx-a11y/no-autofocus -- it opens by choosing the presence that it belongs to
                autoFocus={index === 0}
                onClick={() => void choose(asking, reason?.code ?? "")}
              >
                {reason ? reason[language === "es" ? "name_es" : "name_en"] : t("presence.noReason")}
              </UnstyledButton>
            ))}
          </div>
        )}
        <p className={classes.heading}>{t("settings.language")}</p>
        <LanguageChoice fullWidth />
        <p className={classes.heading}>{t("settings.scheme")}</p>
        <SchemeChoice />
        <UnstyledButton className={`${classes.choice ?? ""} ${classes.leave ?? ""}`} onClick={() => void leave()}>
          <IconLogout size={16} aria-hidden /> {t("signOut")}
        </UnstyledButton>
      </Popover.Dropdown>
    </Popover>
  );
}
