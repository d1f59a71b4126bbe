import { ActionIcon, Button, NativeSelect, TextInput, VisuallyHidden } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import type { ArticleOut } from "@centralita/shared/api";
import { IconArrowLeft, IconMoodEmpty } from "../parts/icons";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, Link, useBlocker, useNavigate } from "@tanstack/react-router";
import { useState } from "react";

import { explain } from "../actions/explain";
import { publishArticle } from "../actions/publishArticle";
import { applyArticle, saveArticle } from "../actions/saveArticle";
import { HubError } from "../api/http";
import * as knowledge from "../api/knowledge";
import { articleQuery } from "../api/queries";
import { brief } from "../format/time";
import { ArticleState } from "../parts/ArticleState";
import { Empty, Failed, Loading } from "../parts/Pane";
import { usePageTitle } from "../parts/usePageTitle";
import { useMe } from "../session/me";
import { may } from "../session/permissions";
import { LANGUAGES, useText } from "../text";
import classes from "./Article.module.css";
import { ArticlePanels } from "./ArticlePanels";
import knowledgeClasses from "./Knowledge.module.css";
import { RichText } from "./RichText";

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

const OPEN: ArticleOut["state"][] = ["draft", "changed", "withdrawn", "expired"];

/** Plain text that came from elsewhere, as the editor takes it. */
function htmlOf(article: ArticleOut): string {
  if (article.html) return article.html;
  const holder = document.createElement("div");
  for (const part of article.body.split(/\n\s*\n/)) {
    const paragraph = document.createElement("p");
    part.split("\n").forEach((line, place) => {
      if (place) paragraph.append(document.createElement("br"));
      paragraph.append(line);
    });
    holder.append(paragraph);
  }
  return holder.innerHTML;
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
  const me = useMe();
  const editable = may(me, "edit_articles");
  const [title, setTitle] = useState(article?.title ?? "");
  const [html, setHtml] = useState(article ? htmlOf(article) : "");
  const [filledIn, setFilledIn] = useState(article !== null);
  // Another text from the hub (a version restored) makes the editor anew.
  const [edition, setEdition] = useState(0);
  const [at, setAt] = useState("");
  const [locale, setLocale] = useState(firstLocale);
  const [tried, setTried] = useState(false);
  const [busy, setBusy] = useState<string | null>(null);
  const changed = title !== (article?.title ?? "") || html !== (article ? htmlOf(article) : "");
  usePageTitle(article?.title ?? t("articles.new"));
  useBlocker({
    // The browser's own question is the one that is asked on closing the page, too.
    shouldBlockFn: () => changed && busy === null && !window.confirm(t("article.leave")),
    enableBeforeUnload: () => changed,
  });

  async function run(name: string, work: () => Promise<string>) {
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
    const fields = { title: title.trim(), body: "", html, locale, article_id: articleId };
    const stored = await saveArticle(client, article === null, fields);
    setTitle(stored.title);
    setHtml(htmlOf(stored));
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

  const filled = title.trim() !== "" && filledIn;
  const save = () => {
    setTried(true);
    if (!filled) return;
    void run("save", async () => {
      await open(await saved());
      return t("article.saved");
    });
  };
  const step = (stored: ArticleOut, name: knowledge.Step) =>
    void run(name, async () => {
      applyArticle(client, await knowledge.step(stored.article_id, stored.locale, name));
      return t(`article.done.${name}`);
    });
  const publish = (stored: ArticleOut, when: string | null) =>
    void run("publish", async () => {
      try {
        await publishArticle(client, stored, when, false);
      } catch (error) {
        // The hub warns where test questions would be answered wrong; an editor may know better.
        if (!(error instanceof HubError) || error.id !== "breaks_questions") throw error;
        if (!window.confirm(t("article.breaks", { questions: error.message }))) return t("article.notPublished");
        await publishArticle(client, stored, when, true);
      }
      return t(when ? "article.scheduled" : "article.published");
    });
  const sendBack = (stored: ArticleOut) => {
    const note = window.prompt(t("article.sendBackWhy"));
    if (note === null) return;
    void run("sendBack", async () => {
      applyArticle(client, await knowledge.sendBack(stored.article_id, stored.locale, note));
      return t("article.sentBack");
    });
  };
  const shown = (stored: ArticleOut) => {
    setTitle(stored.title);
    setHtml(htmlOf(stored));
    setEdition((before) => before + 1);
  };

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
            {article && article.version > 0 && (
              <Button variant="subtle" color="red" loading={busy === "withdraw"} disabled={busy !== null} onClick={() => step(article, "withdraw")}>
                {t("article.withdraw")}
              </Button>
            )}
            {article && (
              <Button
                variant="subtle"
                color="gray"
                disabled={busy !== null}
                onClick={() => step(article, article.state === "archived" ? "unarchive" : "archive")}
              >
                {t(article.state === "archived" ? "article.unarchive" : "article.archive")}
              </Button>
            )}
            <Button variant="default" disabled={!changed || busy !== null} loading={busy === "save"} onClick={save}>
              {t("article.save")}
            </Button>
            {article && OPEN.includes(article.state) && (
              <Button disabled={busy !== null || changed} loading={busy === "submit"} onClick={() => step(article, "submit")}>
                {t("article.submit")}
              </Button>
            )}
            {article?.state === "review" && (
              <>
                <Button variant="default" disabled={busy !== null} onClick={() => sendBack(article)}>
                  {t("article.sendBack")}
                </Button>
                <Button
                  disabled={busy !== null || me.id === article.updated_by || me.id === article.submitted_by}
                  title={me.id === article.updated_by || me.id === article.submitted_by ? t("article.another") : undefined}
                  loading={busy === "approve"}
                  onClick={() => step(article, "approve")}
                >
                  {t("article.approve")}
                </Button>
              </>
            )}
            {article?.state === "scheduled" && (
              <Button variant="default" disabled={busy !== null} onClick={() => step(article, "unschedule")}>
                {t("article.unschedule")}
              </Button>
            )}
            {article && (article.state === "approved" || article.state === "scheduled") && (
              <>
                <TextInput
                  type="datetime-local"
                  size="xs"
                  aria-label={t("article.when")}
                  title={t("article.when")}
                  value={at}
                  onChange={(event) => setAt(event.currentTarget.value)}
                />
                <Button
                  disabled={busy !== null || changed}
                  loading={busy === "publish"}
                  onClick={() => publish(article, at ? new Date(at).toISOString() : null)}
                >
                  {t(at ? "article.schedule" : "article.publish")}
                </Button>
              </>
            )}
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
          {article?.review_note && <p className={knowledgeClasses.note}>{t("article.note", { note: article.review_note })}</p>}
          {article?.state === "scheduled" && article.publish_at && (
            <p className={knowledgeClasses.note}>{t("article.goesOut", { time: brief(article.publish_at, text) })}</p>
          )}
          <RichText
            key={edition}
            html={html}
            label={t("article.body")}
            lang={locale}
            editable={editable && article?.state !== "archived"}
            onChange={(next, words) => {
              setHtml(next);
              setFilledIn(words.trim() !== "");
            }}
            onProblem={(error) => notifications.show({ message: explain(error, text), color: "red", autoClose: 8_000 })}
          />
          {tried && !filledIn && <p className={knowledgeClasses.note}>{t("article.required")}</p>}
          {article && <ArticlePanels article={article} editable={editable} run={(work) => void run("panel", work)} onRestored={shown} />}
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
