import { ActionIcon, Button, NativeSelect, Textarea, TextInput, VisuallyHidden } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import type { ArticleOut } from "@centralita/shared/api";
import { IconArrowLeft, IconMoodEmpty } from "../parts/icons";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, Link, useBlocker, useNavigate } from "@tanstack/react-router";
import { useState } from "react";

import { explain } from "../actions/explain";
import { publishArticle } from "../actions/publishArticle";
import { saveArticle } from "../actions/saveArticle";
import { withdrawArticle } from "../actions/withdrawArticle";
import { HubError } from "../api/http";
import { articleQuery } from "../api/queries";
import { brief } from "../format/time";
import { ArticleState } from "../parts/ArticleState";
import { Empty, Failed, Loading } from "../parts/Pane";
import { usePageTitle } from "../parts/usePageTitle";
import { useMe } from "../session/me";
import { may } from "../session/permissions";
import { LANGUAGES, useText } from "../text";
import classes from "./Article.module.css";

const articleRoute = getRouteApi("/shell/articles/$articleId/$locale");
const newRoute = getRouteApi("/shell/articles/new");

export function NewArticle() {
  const { language } = useText();
  const { article, locale } = newRoute.useSearch();
  return <Editor key={`${article ?? ""}/${locale ?? ""}`} article={null} articleId={article ?? null} locale={locale ?? language} />;
}

export function Article() {
  const { t } = useText();
  const { articleId, locale } = articleRoute.useParams();
  const query = useQuery(articleQuery(articleId, locale));
  if (query.error instanceof HubError && query.error.status === 404) {
    return <Empty icon={IconMoodEmpty} title={t("articles.none")} />;
  }
  if (query.isError && !query.data) return <Failed error={query.error} again={() => void query.refetch()} />;
  if (!query.data) return <Loading lines={5} />;
  return <Editor key={`${articleId}/${locale}`} article={query.data} articleId={articleId} locale={locale} />;
}

interface EditorProps {
  /** Null while it has never been saved. */
  article: ArticleOut | null;
  /** Set when another language of an article is written. */
  articleId: string | null;
  locale: string;
}

function Editor({ article, articleId, locale: firstLocale }: EditorProps) {
  const text = useText();
  const { t, languageName } = text;
  const client = useQueryClient();
  const navigate = useNavigate();
  const editable = may(useMe(), "edit_articles");
  const [title, setTitle] = useState(article?.title ?? "");
  const [body, setBody] = useState(article?.body ?? "");
  const [locale, setLocale] = useState(firstLocale);
  const [tried, setTried] = useState(false);
  const [busy, setBusy] = useState<"save" | "publish" | "withdraw" | null>(null);
  const changed = title !== (article?.title ?? "") || body !== (article?.body ?? "");
  usePageTitle(article?.title ?? t("articles.new"));
  useBlocker({
    // The browser's own question is the one that is asked on closing the page, too.
    shouldBlockFn: () => changed && busy === null && !window.confirm(t("article.leave")),
    enableBeforeUnload: () => changed,
  });

  async function run(name: "save" | "publish" | "withdraw", work: () => Promise<string>) {
    setBusy(name);
    try {
      notifications.show({ message: await work(), autoClose: 4_000 });
    } catch (error) {
      notifications.show({ message: explain(error, text), color: "red", autoClose: 8_000 });
    } finally {
      setBusy(null);
    }
  }

  async function saved(): Promise<ArticleOut> {
    const fields = { title: title.trim(), body: body.trim(), locale, article_id: articleId };
    const stored = await saveArticle(client, article === null, fields);
    setTitle(stored.title);
    setBody(stored.body);
    return stored;
  }

  const open = (stored: ArticleOut) =>
    article === null &&
    navigate({
      to: "/articles/$articleId/$locale",
      params: { articleId: stored.article_id, locale: stored.locale },
      replace: true,
      ignoreBlocker: true,
    });

  const filled = title.trim() !== "" && body.trim() !== "";
  const save = () => {
    setTried(true);
    if (!filled) return;
    void run("save", async () => {
      await open(await saved());
      return t("article.saved");
    });
  };
  const publish = () => {
    setTried(true);
    if (!filled) return;
    void run("publish", async () => {
      const stored = changed || article === null ? await saved() : article;
      await publishArticle(client, stored);
      await open(stored);
      return t("article.published");
    });
  };
  const withdraw = (stored: ArticleOut) =>
    void run("withdraw", async () => {
      await withdrawArticle(client, stored);
      return t("article.withdrawn");
    });

  const others = LANGUAGES.filter((code) => code !== locale);
  return (
    <div className={classes.page}>
      <VisuallyHidden component="h1">{article?.title ?? t("articles.new")}</VisuallyHidden>
      <header className={classes.bar}>
        <ActionIcon
          variant="subtle"
          color="gray"
          size="lg"
          aria-label={t("pane.back")}
          renderRoot={(props) => <Link to="/articles" {...props} />}
        >
          <IconArrowLeft size={20} aria-hidden />
        </ActionIcon>
        <div className={classes.facts}>
          {article ? (
            <>
              <ArticleState state={article.state} />
              <span>
                {article.version > 0 ? t("articles.version", { number: article.version }) : t("articles.neverPublished")}
              </span>
              <span className={classes.roomy}>{t("articles.updated", { time: brief(article.updated_at, text) })}</span>
            </>
          ) : (
            <strong>{t("articles.new")}</strong>
          )}
        </div>
        {editable && (
          <>
            {article && (article.state === "published" || article.state === "changed") && (
              <Button variant="subtle" color="red" loading={busy === "withdraw"} disabled={busy !== null} onClick={() => withdraw(article)}>
                {t("article.withdraw")}
              </Button>
            )}
            <Button variant="default" disabled={!changed || busy !== null} loading={busy === "save"} onClick={save}>
              {t("article.save")}
            </Button>
            <Button
              disabled={busy !== null || (!changed && article?.state === "published")}
              loading={busy === "publish"}
              onClick={publish}
            >
              {t("article.publish")}
            </Button>
          </>
        )}
      </header>
      <div className={classes.body}>
        <div className={classes.sheet}>
          {!editable && <p className={classes.soft}>{t("article.readOnly")}</p>}
          <div className={classes.languages}>
            {article === null && articleId === null ? (
              <NativeSelect
                size="xs"
                aria-label={t("articles.language")}
                value={locale}
                onChange={(event) => setLocale(event.currentTarget.value)}
                data={LANGUAGES.map((code) => ({ value: code, label: languageName(code) }))}
              />
            ) : (
              <span className={classes.locale}>{languageName(locale)}</span>
            )}
            {article && others.map((code) => <OtherLanguage key={code} articleId={article.article_id} locale={code} editable={editable} />)}
          </div>
          <TextInput
            label={t("article.title")}
            value={title}
            maxLength={300}
            readOnly={!editable}
            lang={locale}
            error={tried && !title.trim() ? t("article.required") : undefined}
            onChange={(event) => setTitle(event.currentTarget.value)}
            size="md"
          />
          <Textarea
            label={t("article.body")}
            description={editable ? t("article.bodyHint") : undefined}
            value={body}
            maxLength={100_000}
            readOnly={!editable}
            lang={locale}
            error={tried && !body.trim() ? t("article.required") : undefined}
            onChange={(event) => setBody(event.currentTarget.value)}
            autosize
            minRows={10}
            size="md"
          />
        </div>
      </div>
    </div>
  );
}

/** Leads to the article in another language, or to writing it. */
function OtherLanguage({ articleId, locale, editable }: { articleId: string; locale: string; editable: boolean }) {
  const { t, languageWord } = useText();
  const query = useQuery(articleQuery(articleId, locale));
  const language = languageWord(locale);
  if (query.data) {
    return (
      <Link to="/articles/$articleId/$locale" params={{ articleId, locale }}>
        {t("article.open", { language })}
      </Link>
    );
  }
  const missing = query.error instanceof HubError && query.error.status === 404;
  if (!editable || !missing) return null;
  return (
    <Link to="/articles/new" search={{ article: articleId, locale }}>
      {t("article.translate", { language })}
    </Link>
  );
}
