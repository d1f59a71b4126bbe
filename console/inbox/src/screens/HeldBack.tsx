import { Button, NativeSelect } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import type { SourceOut } from "@centralita/shared/api";
import { useInfiniteQuery, useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { use, useState } from "react";

import { acceptSource } from "../actions/acceptSource";
import { explain } from "../actions/explain";
import { rawUrl } from "../api/hub";
import { heldBackQuery, inboxesQuery } from "../api/queries";
import { fileSize } from "../format/number";
import { dayAndTime } from "../format/time";
import { IconDownload, IconMailCheck } from "../parts/icons";
import { Empty, Failed, Loading } from "../parts/Pane";
import { usePageTitle } from "../parts/usePageTitle";
import { useMe } from "../session/me";
import { may } from "../session/permissions";
import { useText, type Text } from "../text";
import page from "./Health.module.css";
import classes from "./HeldBack.module.css";
import { MenuButton } from "./Shell";

/** What the inboxes have refused, with the reason; whoever may takes it in after all. */
export function HeldBack() {
  const { t } = useText();
  const menuButton = use(MenuButton);
  const [inboxId, setInboxId] = useState("");
  const query = useInfiniteQuery(heldBackQuery(inboxId));
  const { data: inboxes } = useQuery(inboxesQuery);
  usePageTitle(t("heldBack.title"));
  const counts = query.data?.pages[0]?.counts ?? {};
  const items = query.data?.pages.flatMap(({ items }) => items) ?? [];
  const nameOf = (id: string) => inboxes?.items.find((inbox) => inbox.id === id)?.name ?? "";
  const choices = Object.keys(counts).filter((id) => nameOf(id));
  return (
    <div className={page.page}>
      <header className={page.bar}>
        {menuButton}
        <h1 className={page.title}>{t("heldBack.title")}</h1>
      </header>
      <div className={page.body}>
        <div className={page.sheet}>
          <p className={classes.lead}>{t("heldBack.lead")}</p>
          {(choices.length > 1 || inboxId !== "") && (
            <NativeSelect
              className={classes.choose ?? ""}
              label={t("heldBack.inbox")}
              value={inboxId}
              onChange={(event) => setInboxId(event.currentTarget.value)}
              data={[
                { value: "", label: t("heldBack.every") },
                ...[...new Set([...choices, inboxId].filter(Boolean))].map((id) => ({ value: id, label: `${nameOf(id)} (${counts[id] ?? 0})` })),
              ]}
            />
          )}
          {query.isPending && <Loading lines={4} height={64} />}
          {query.isError && !query.data && <Failed error={query.error} again={() => void query.refetch()} />}
          {query.data && items.length === 0 && <Empty icon={IconMailCheck} title={t("heldBack.none")} hint={t("heldBack.noneHint")} />}
          <ul className={page.parts}>
            {items.map((source) => (
              <Held key={source.id} source={source} inbox={nameOf(source.inbox_id)} />
            ))}
          </ul>
          {query.hasNextPage && (
            <Button variant="subtle" loading={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
              {t("list.more")}
            </Button>
          )}
        </div>
      </div>
    </div>
  );
}

/** Why, in words. What a rule names (a pattern, a header) is shown as it is. */
function reason({ field, rule }: SourceOut, { known, t }: Text): string {
  if (field === "from") return t("heldBack.blocked", { pattern: rule.replace(/^is blocked by /, "") });
  if (field === "spam") return t("heldBack.spam", { sign: known("spamSign", rule) ?? rule });
  return known("heldBackRule", rule.replace(/ \(.*\)$/, "")) ?? rule;
}

function Held({ source, inbox }: { source: SourceOut; inbox: string }) {
  const text = useText();
  const { t } = text;
  const me = useMe();
  const client = useQueryClient();
  const navigate = useNavigate();
  const [busy, setBusy] = useState(false);

  async function accept() {
    setBusy(true);
    try {
      const conversationId = await acceptSource(client, source.id);
      notifications.show({ message: t("heldBack.accepted"), autoClose: 3_000 });
      if (conversationId) await navigate({ to: "/$view/$conversationId", params: { view: "all", conversationId } });
    } catch (error) {
      notifications.show({ message: explain(error, text), color: "red" });
    } finally {
      setBusy(false);
    }
  }

  return (
    <li className={classes.held}>
      <div className={classes.words}>
        <p className={classes.subject}>{source.subject || t("heldBack.noSubject")}</p>
        <p className={classes.sender}>{source.sender || t("heldBack.noSender")}</p>
        <p className={classes.reason}>{reason(source, text)}</p>
        <p className={classes.facts}>
          {[inbox, dayAndTime(source.at, text), fileSize(source.size, text)].filter(Boolean).join(" · ")}
        </p>
      </div>
      <div className={classes.actions}>
        <Button
          size="compact-sm"
          variant="subtle"
          color="gray"
          leftSection={<IconDownload size={15} aria-hidden />}
          component="a"
          href={rawUrl(source.id)}
          download
        >
          {t("mail.source")}
        </Button>
        {may(me, "accept_sources") && (
          <Button size="compact-sm" variant="light" loading={busy} onClick={() => void accept()}>
            {t("heldBack.accept")}
          </Button>
        )}
      </div>
    </li>
  );
}
