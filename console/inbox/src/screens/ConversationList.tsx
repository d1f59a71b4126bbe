import { Button, Loader } from "@mantine/core";
import { IconCoffee, IconInbox } from "../parts/icons";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { use, useRef } from "react";

import type { View } from "../api/hub";
import { agentsQuery, conversationsQuery, countersQuery, teamsQuery } from "../api/queries";
import { rowsOf } from "../live/rows";
import { ConnectionMark } from "../parts/ConnectionMark";
import { Empty, Failed, Loading } from "../parts/Pane";
import { useNear } from "../parts/useNear";
import { usePageTitle } from "../parts/usePageTitle";
import { useShortcuts } from "../parts/useShortcuts";
import { useMe } from "../session/me";
import { useText } from "../text";
import classes from "./ConversationList.module.css";
import { ConversationRow } from "./ConversationRow";
import { MenuButton } from "./Shell";

export function ConversationList({ view, teamId, openId }: { view: View; teamId: string | null; openId: string | undefined }) {
  const { t } = useText();
  const me = useMe();
  const query = useInfiniteQuery(conversationsQuery({ view, teamId, agentId: me.id }));
  const { data: counters } = useQuery(countersQuery);
  const { data: teams } = useQuery(teamsQuery);
  const { data: agents } = useQuery(agentsQuery);
  const list = useRef<HTMLUListElement>(null);
  const scroller = useRef<HTMLDivElement>(null);
  const menuButton = use(MenuButton);

  const team = teams?.items.find(({ id }) => id === teamId);
  const title = team?.name ?? t(`view.${view}`);
  usePageTitle(title, counters?.queue);

  const { hasNextPage, isFetchingNextPage, isFetchNextPageError, fetchNextPage } = query;
  const end = useNear(scroller, () => void fetchNextPage(), hasNextPage && !isFetchingNextPage && !isFetchNextPageError);

  const step = (by: 1 | -1) => {
    const links = [...(list.current?.querySelectorAll("a") ?? [])];
    const from = links.findIndex((link) => link === document.activeElement);
    const start = from >= 0 ? from : links.findIndex((link) => link.dataset.status === "active");
    const next = links[start < 0 ? 0 : Math.min(Math.max(start + by, 0), links.length - 1)];
    next?.focus();
    next?.scrollIntoView({ block: "nearest" });
  };
  useShortcuts({ j: () => step(1), k: () => step(-1) });

  const rows = query.data ? rowsOf(query.data) : [];
  return (
    <section aria-label={t("list.label", { view: title })} className={classes.pane}>
      <header className={classes.bar}>
        {menuButton}
        <h1 className={classes.title}>{title}</h1>
        <span className={classes.connection}>
          <ConnectionMark />
        </span>
      </header>
      <div ref={scroller} className={classes.scroller}>
        {query.isPending && <Loading lines={8} height={56} />}
        {query.isError && rows.length === 0 && <Failed error={query.error} again={() => void query.refetch()} />}
        {query.isSuccess && rows.length === 0 && <NothingHere view={view} />}
        <ul ref={list} className={classes.rows}>
          {rows.map((row) => (
            <ConversationRow
              key={row.id}
              row={row}
              view={view}
              teamId={teamId}
              open={row.id === openId}
              meId={me.id}
              assignee={agents?.items.find(({ id }) => id === row.assignee_id)}
            />
          ))}
        </ul>
        <div ref={end} className={classes.end}>
          {isFetchingNextPage && <Loader size="sm" role="status" aria-label={t("pane.loading")} />}
          {isFetchNextPageError && (
            <Button variant="subtle" onClick={() => void fetchNextPage()}>
              {t("list.more")}
            </Button>
          )}
        </div>
      </div>
    </section>
  );
}

function NothingHere({ view }: { view: View }) {
  const { t } = useText();
  const hint = {
    queue: t("list.empty.queueHint"),
    mine: t("list.empty.mineHint"),
    helping: t("list.empty.helpingHint"),
    all: t("list.empty.allHint"),
    bot: undefined,
    snoozed: undefined,
    resolved: undefined,
  }[view];
  return (
    <Empty icon={view === "queue" ? IconCoffee : IconInbox} title={t(`list.empty.${view}`)} hint={hint}>
      {view === "mine" && (
        <Link to="/$view" params={{ view: "queue" }} search={{}} className={classes.goQueue}>
          {t("list.goQueue")}
        </Link>
      )}
    </Empty>
  );
}
