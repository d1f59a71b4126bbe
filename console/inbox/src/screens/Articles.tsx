import { Button, Loader, NativeSelect, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { IconBookOff, IconPlus, IconSearch } from "../parts/icons";
import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { use, useState } from "react";

import { articlesQuery } from "../api/queries";
import { brief } from "../format/time";
import { ArticleState } from "../parts/ArticleState";
import { Empty, Failed, Loading } from "../parts/Pane";
import { usePageTitle } from "../parts/usePageTitle";
import { useMe } from "../session/me";
import { may } from "../session/permissions";
import { LANGUAGES, useText } from "../text";
import classes from "./Articles.module.css";
import { KnowledgeTabs } from "./KnowledgeTabs";
import { MenuButton } from "./Shell";

const STATES = ["draft", "review", "approved", "scheduled", "published", "changed", "withdrawn", "expired", "archived"] as const;

export function Articles() {
  const text = useText();
  const { t, languageName } = text;
  const me = useMe();
  const menuButton = use(MenuButton);
  const [search, setSearch] = useState("");
  const [locale, setLocale] = useState("");
  const [state, setState] = useState("");
  const [wanted] = useDebouncedValue(search.trim(), 250);
  const query = useInfiniteQuery({ ...articlesQuery(wanted, locale, state), placeholderData: keepPreviousData });
  const articles = query.data?.pages.flatMap((page) => page.items) ?? [];
  usePageTitle(t("articles.title"));

  return (
    <div className={classes.page}>
      <header className={classes.bar}>
        {menuButton}
        <h1 className={classes.title}>{t("articles.title")}</h1>
        {may(me, "edit_articles") && (
          <Button renderRoot={(props) => <Link to="/articles/new" search={{}} {...props} />} leftSection={<IconPlus size={16} aria-hidden />}>
            {t("articles.new")}
          </Button>
        )}
      </header>
      <KnowledgeTabs />
      <div className={classes.filters}>
        <TextInput
          type="search"
          aria-label={t("articles.search")}
          placeholder={t("articles.search")}
          leftSection={<IconSearch size={16} aria-hidden />}
          value={search}
          onChange={(event) => setSearch(event.currentTarget.value)}
          className={classes.search}
        />
        <NativeSelect
          aria-label={t("articles.language")}
          value={locale}
          onChange={(event) => setLocale(event.currentTarget.value)}
          data={[
            { value: "", label: t("articles.allLanguages") },
            ...LANGUAGES.map((code) => ({ value: code, label: languageName(code) })),
          ]}
        />
        <NativeSelect
          aria-label={t("articles.state")}
          value={state}
          onChange={(event) => setState(event.currentTarget.value)}
          data={[{ value: "", label: t("articles.allStates") }, ...STATES.map((each) => ({ value: each, label: t(`articles.state.${each}`) }))]}
        />
      </div>
      <div className={classes.body} aria-busy={query.isFetching}>
        {query.isPending && <Loading lines={7} height={52} />}
        {query.isError && articles.length === 0 && <Failed error={query.error} again={() => void query.refetch()} />}
        {query.isSuccess && articles.length === 0 && (
          <Empty icon={IconBookOff} title={t("articles.none")} hint={wanted ? undefined : t("articles.noneHint")} />
        )}
        <ul className={classes.rows}>
          {articles.map((article) => (
            <li key={`${article.article_id}/${article.locale}`}>
              <Link
                to="/articles/$articleId/$locale"
                params={{ articleId: article.article_id, locale: article.locale }}
                className={classes.row}
              >
                <span className={classes.text}>
                  <span className={classes.name}>{article.title}</span>
                  <span className={classes.passage}>{article.body}</span>
                </span>
                <span className={classes.locale} title={languageName(article.locale)}>
                  {article.locale.toUpperCase()}
                </span>
                {article.internal && <span className={classes.locale}>{t("articles.internal")}</span>}
                <ArticleState state={article.state} />
                <time className={classes.time} dateTime={article.updated_at}>
                  {brief(article.updated_at, text)}
                </time>
              </Link>
            </li>
          ))}
        </ul>
        {query.hasNextPage && (
          <div className={classes.more}>
            <Button variant="subtle" onClick={() => void query.fetchNextPage()} disabled={query.isFetchingNextPage}>
              {query.isFetchingNextPage ? <Loader size="xs" aria-label={t("pane.loading")} /> : t("list.more")}
            </Button>
          </div>
        )}
      </div>
    </div>
  );
}
