import { Button } from "@mantine/core";
import type { InboxHealthOut, InboxKindOut, InboxSettingsOut } from "@centralita/shared/api";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import * as inboxes from "../../api/inboxes";
import { dayAndTime } from "../../format/time";
import { ChannelIcon } from "../../parts/Channel";
import { IconAlertTriangle } from "../../parts/icons";
import { useText, type Text } from "../../text";
import { InboxForm } from "./InboxForm";
import classes from "./Inboxes.module.css";
import { Read, Sheet, useSave } from "./parts";

/** Every connected inbox, how it is, and what can be done about it. */
export function Inboxes() {
  const { t } = useText();
  const query = useQuery(inboxes.settingsQuery);
  const { data: kinds } = useQuery(inboxes.kindsQuery);
  const [edited, setEdited] = useState<InboxSettingsOut | "new" | null>(null);
  return (
    <Sheet
      title={t("inboxes.title")}
      intro={t("inboxes.intro")}
      action={
        <Button disabled={!kinds} onClick={() => setEdited("new")}>
          {t("inboxes.add")}
        </Button>
      }
    >
      <Read query={query}>
        {({ items }) => (
          <>
            {items.length === 0 && <p className={classes.soft}>{t("inboxes.none")}</p>}
            <ul className={classes.list}>
              {items.map((inbox) => (
                <Card key={inbox.id} inbox={inbox} kind={kinds?.items.find(({ channel }) => channel === inbox.channel)} onEdit={() => setEdited(inbox)} />
              ))}
            </ul>
          </>
        )}
      </Read>
      {edited && kinds && <InboxForm inbox={edited === "new" ? null : edited} kinds={kinds} onClose={() => setEdited(null)} />}
    </Sheet>
  );
}

function Card({ inbox, kind, onEdit }: { inbox: InboxSettingsOut; kind: InboxKindOut | undefined; onEdit: () => void }) {
  const text = useText();
  const { t, counted } = text;
  const { save, busy } = useSave();
  const { health } = inbox;
  const icon = inbox.channel.replace(/_.*/, "");
  return (
    <li className={classes.card} aria-label={inbox.name}>
      <div className={classes.head}>
        <h3>
          <ChannelIcon channel={icon} size={20} decorative />
          {inbox.name} {kind?.title !== inbox.name && <span className={classes.kind}>{kind?.title ?? inbox.channel}</span>}
        </h3>
        <span className={classes.state} data-state={health.state}>
          {t(`inboxes.state.${health.state}`)}
        </span>
      </div>
      <Troubles inbox={inbox} />
      <dl className={classes.facts}>
        {facts(inbox, kind, text).map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
        {health.waiting > 0 && (
          <div>
            <dt>{t("inboxes.waiting")}</dt>
            <dd>{counted("sending.waiting", health.waiting)}</dd>
          </div>
        )}
      </dl>
      <div className={classes.buttons}>
        <Button size="compact-sm" loading={busy} onClick={() => void save(() => inboxes.test(inbox.id), t("inboxes.tested"))}>
          {t("inboxes.test")}
        </Button>
        <Button size="compact-sm" variant="light" aria-label={t("admin.editNamed", { name: inbox.name })} onClick={onEdit}>
          {t("admin.edit")}
        </Button>
        {health.stopped && (
          <Button size="compact-sm" variant="light" loading={busy} onClick={() => void save(() => inboxes.resume(inbox.id), t("inboxes.resumed"))}>
            {t("inboxes.resume")}
          </Button>
        )}
        <Button size="compact-sm" variant="default" loading={busy} onClick={() => void save(() => inboxes.turn(inbox.id, inbox.disabled))}>
          {inbox.disabled ? t("inboxes.on") : t("inboxes.off")}
        </Button>
      </div>
    </li>
  );
}

/** Nobody was there to refuse anything. */
const UNREACHED = new Set(["not_reached", "no_answer", "unreachable", "connection", "cut_off"]);

/** What is wrong, worst first, each with what the provider said. */
export function Troubles({ inbox: { health, disabled } }: { inbox: InboxSettingsOut }) {
  const text = useText();
  const { t, word } = text;
  const found: [level: "down" | "warning", said: string][] = [];
  if (health.wrong) found.push(["down", t("inboxes.wrong", { why: health.wrong })]);
  if (health.stopped) {
    const since = health.stopped_at ? dayAndTime(health.stopped_at, text) : "";
    found.push(["down", t(health.tries ? "inboxes.stoppedTries" : "inboxes.stopped", { why: health.stopped, since })]);
  }
  if (health.error && UNREACHED.has(health.code)) found.push(["down", t("inboxes.unreached", { why: health.error })]);
  else if (health.error) found.push(["down", t("inboxes.error", { why: [health.code, health.error].filter(Boolean).join(": ") })]);
  if (health.listener?.state === "down" && !disabled) found.push(["down", t("inboxes.listener", { why: health.listener.error || t("inboxes.nobody") })]);
  for (const { what, detail } of health.problems) found.push(["warning", [word("inboxes.problem", what), detail].filter(Boolean).join(": ")]);
  if (health.refused_at && (!health.heard_at || health.refused_at > health.heard_at))
    found.push(["warning", t("inboxes.refused", { at: dayAndTime(health.refused_at, text), why: health.refusal })]);
  if (health.listener?.notice) found.push(["warning", health.listener.notice]);
  return found.length === 0 ? null : (
    <ul className={classes.troubles}>
      {found.map(([level, said]) => (
        <li key={said} data-level={level}>
          <IconAlertTriangle size={16} aria-hidden />
          <span>{said}</span>
        </li>
      ))}
    </ul>
  );
}

function facts(inbox: InboxSettingsOut, kind: InboxKindOut | undefined, text: Text): [name: string, value: string][] {
  const { t } = text;
  const { health } = inbox;
  const when = (at: string | null) => (at ? dayAndTime(at, text) : t("inboxes.never"));
  const found: [string, string | false][] = [
    [t("inboxes.account"), health.account],
    [t("inboxes.heard"), Boolean(kind?.webhook && !health.listener) && when(health.heard_at)],
    [t("inboxes.listens"), health.listener !== null && listens(health, text)],
    [t("inboxes.sent"), when(health.sent_at)],
    [t("inboxes.checked"), when(health.checked_at)],
    [t("inboxes.token"), health.token_until !== null && when(health.token_until)],
    [t("inboxes.quality"), health.quality],
    [t("inboxes.limit"), health.limit],
    [t("inboxes.bot"), inbox.bot ? t("inboxes.bot.on") : t("inboxes.bot.off")],
  ];
  return found.filter((each): each is [string, string] => Boolean(each[1]));
}

function listens({ listener }: InboxHealthOut, text: Text): string {
  if (!listener) return "";
  const seen = listener.seen_at ? ` · ${dayAndTime(listener.seen_at, text)}` : "";
  return text.word("state", listener.state) + seen;
}
