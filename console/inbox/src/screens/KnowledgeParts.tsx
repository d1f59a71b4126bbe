import { Button, FileInput, NativeSelect, TextInput } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import type { CategoryOut, CheckedArticle, QualityOut } from "@centralita/shared/api";
import { useInfiniteQuery, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { use, useRef, useState, type ReactNode } from "react";

import { explain } from "../actions/explain";
import * as knowledge from "../api/knowledge";
import { articlesQuery, keys } from "../api/queries";
import { brief } from "../format/time";
import { Failed, Loading } from "../parts/Pane";
import { usePageTitle } from "../parts/usePageTitle";
import { LANGUAGES, useText, type PlainKey } from "../text";
import bar from "./Articles.module.css";
import classes from "./Knowledge.module.css";
import { KnowledgeTabs } from "./KnowledgeTabs";
import { MenuButton } from "./Shell";

function Part({ title, children }: { title: PlainKey; children: ReactNode }) {
  const { t } = useText();
  const menuButton = use(MenuButton);
  usePageTitle(t(title));
  return (
    <div className={bar.page}>
      <header className={bar.bar}>
        {menuButton}
        <h1 className={bar.title}>{t(title)}</h1>
      </header>
      <KnowledgeTabs />
      <div className={bar.body}>
        <div className={classes.sheet}>{children}</div>
      </div>
    </div>
  );
}

function useRun() {
  const text = useText();
  return async (work: () => Promise<string>) => {
    try {
      notifications.show({ message: await work(), autoClose: 4_000 });
    } catch (error) {
      notifications.show({ message: explain(error, text), color: "red", autoClose: 8_000 });
    }
  };
}

function ArticleLink({ article }: { article: CheckedArticle }) {
  return (
    <span>
      <Link to="/articles/$articleId/$locale" params={{ articleId: article.article_id, locale: article.locale }}>
        {article.title}
      </Link>{" "}
      <span className={classes.soft}>{article.locale.toUpperCase()}</span>
    </span>
  );
}

export function KnowledgeChecks() {
  const text = useText();
  const { t } = text;
  const query = useQuery(knowledge.checksQuery);
  const { data } = query;
  return (
    <Part title="knowledge.checks">
      {query.isError && <Failed error={query.error} again={() => void query.refetch()} />}
      {query.isPending && <Loading lines={5} />}
      {data && (
        <>
          <p className={classes.soft}>{t("checks.hint")}</p>
          <h2>{t("checks.contradictions")}</h2>
          {data.contradictions.length === 0 && <p className={classes.soft}>{t("checks.none")}</p>}
          <ul className={classes.cards}>
            {data.contradictions.map((each, place) => (
              <li key={place} className={classes.card}>
                <span className={classes.grow}>{t(`checks.kind.${each.kind}`)}</span>
                <ArticleLink article={each.one} />
                <span className={classes.quote}>“{each.sentence_one}”</span>
                <ArticleLink article={each.two} />
                <span className={classes.quote}>“{each.sentence_two}”</span>
              </li>
            ))}
          </ul>
          <h2>{t("checks.duplicates")}</h2>
          {data.duplicates.length === 0 && <p className={classes.soft}>{t("checks.none")}</p>}
          <ul className={classes.cards}>
            {data.duplicates.map((each, place) => (
              <li key={place} className={classes.card}>
                <span className={classes.grow}>
                  <ArticleLink article={each.one} />
                </span>
                <span className={classes.grow}>
                  <ArticleLink article={each.two} />
                </span>
                <span className={classes.soft}>{t("checks.alike", { share: Math.round(each.similarity * 100) })}</span>
              </li>
            ))}
          </ul>
          <h2>{t("checks.stale")}</h2>
          {data.stale.length === 0 && <p className={classes.soft}>{t("checks.none")}</p>}
          <ul className={classes.cards}>
            {data.stale.map((each, place) => (
              <li key={place} className={classes.card}>
                <span className={classes.grow}>
                  <ArticleLink article={each.article} />
                </span>
                <span>{t(`checks.reason.${each.reason}`)}</span>
                <time className={classes.soft} dateTime={each.since}>
                  {brief(each.since, text)}
                </time>
              </li>
            ))}
          </ul>
        </>
      )}
    </Part>
  );
}

function Quality({ quality }: { quality: QualityOut }) {
  const { t } = useText();
  const share = (value: number | null) => (value === null ? "–" : `${Math.round(value * 100)} %`);
  return (
    <dl className={classes.numbers}>
      {(["recall", "recall_3", "precision"] as const).map((name) => (
        <div key={name} className={classes.number}>
          <dt>{t(`quality.${name}`)}</dt>
          <dd>{share(quality[name])}</dd>
        </div>
      ))}
      <div className={classes.number}>
        <dt>{t("quality.answered")}</dt>
        <dd>
          {quality.answered} / {quality.outcomes.length}
        </dd>
      </div>
    </dl>
  );
}

export function KnowledgeQuestions() {
  const { t, language, languageName } = useText();
  const client = useQueryClient();
  const run = useRun();
  const query = useQuery(knowledge.trialQuery);
  const [question, setQuestion] = useState("");
  const [locale, setLocale] = useState<string>(language);
  const [articleId, setArticleId] = useState("");
  const [editing, setEditing] = useState("");
  const field = useRef<HTMLInputElement>(null);
  const begin = (id: string, text: string, its: string, answer: string) => {
    setEditing(id);
    setQuestion(text);
    setLocale(its);
    setArticleId(answer);
    field.current?.focus();
  };
  const known = useInfiniteQuery(articlesQuery("", locale));
  const articles = known.data?.pages.flatMap((page) => page.items) ?? [];
  const again = () => client.invalidateQueries({ queryKey: ["knowledge"] });
  const { data } = query;
  return (
    <Part title="knowledge.questions">
      <p className={classes.soft}>{t("questions.hint")}</p>
      {query.isPending && <Loading lines={5} />}
      {query.isError && <Failed error={query.error} again={() => void query.refetch()} />}
      {data && !data.checked && <p className={classes.note}>{t("questions.unchecked")}</p>}
      {data?.before && <Quality quality={data.before} />}
      <form
        className={classes.form}
        onSubmit={(event) => {
          event.preventDefault();
          if (!question.trim()) return;
          void run(async () => {
            const body = { text: question.trim(), locale, article_id: articleId || null };
            await (editing ? knowledge.changeQuestion(editing, body) : knowledge.addQuestion(body));
            setEditing("");
            setQuestion("");
            await again();
            return t("questions.added");
          });
        }}
      >
        <TextInput ref={field} label={t("questions.question")} value={question} maxLength={1000} onChange={(event) => setQuestion(event.currentTarget.value)} flex="1 1 240px" />
        <NativeSelect
          label={t("articles.language")}
          value={locale}
          onChange={(event) => setLocale(event.currentTarget.value)}
          data={LANGUAGES.map((code) => ({ value: code, label: languageName(code) }))}
        />
        <NativeSelect
          label={t("questions.article")}
          value={articleId}
          onChange={(event) => setArticleId(event.currentTarget.value)}
          data={[
            { value: "", label: t("questions.nothing") },
            ...articles.map((each) => ({ value: each.article_id, label: each.title })),
            // One that is not loaded yet stays the answer.
            ...(articleId && !articles.some((each) => each.article_id === articleId)
              ? [{ value: articleId, label: t("questions.sameArticle") }]
              : []),
          ]}
          flex="1 1 200px"
        />
        <Button type="submit" disabled={!question.trim()}>
          {t(editing ? "admin.save" : "questions.add")}
        </Button>
        {editing && (
          <Button variant="default" onClick={() => begin("", "", locale, "")}>
            {t("action.cancel")}
          </Button>
        )}
      </form>
      {known.hasNextPage && (
        <Button variant="subtle" size="compact-sm" onClick={() => void known.fetchNextPage()}>
          {t("questions.moreArticles")}
        </Button>
      )}
      <ul className={classes.cards}>
        {data?.before?.outcomes.map((each) => (
          <li key={each.question.id} className={classes.card}>
            <span className={each.right ? classes.right : classes.wrong}>{t(each.right ? "questions.right" : "questions.wrong")}</span>
            <span className={classes.grow} lang={each.question.locale}>
              {each.question.text}
            </span>
            {each.found && each.answered ? <ArticleLink article={each.found} /> : <span className={classes.soft}>{t("questions.nothing")}</span>}
            <Button
              variant="subtle"
              size="compact-sm"
              aria-label={t("questions.changeThis", { question: each.question.text })}
              onClick={() => begin(each.question.id, each.question.text, each.question.locale, each.question.article_id ?? "")}
            >
              {t("questions.change")}
            </Button>
            <Button
              variant="subtle"
              color="red"
              size="compact-sm"
              aria-label={t("questions.removeThis", { question: each.question.text })}
              onClick={() =>
                void run(async () => {
                  await knowledge.removeQuestion(each.question.id);
                  if (editing === each.question.id) begin("", "", locale, "");
                  await again();
                  return t("questions.removed");
                })
              }
            >
              {t("questions.remove")}
            </Button>
          </li>
        ))}
      </ul>
    </Part>
  );
}

export function KnowledgeTopics() {
  const { t, language } = useText();
  const client = useQueryClient();
  const run = useRun();
  const query = useQuery(knowledge.categoriesQuery);
  const [english, setEnglish] = useState("");
  const [spanish, setSpanish] = useState("");
  const [editing, setEditing] = useState<CategoryOut | null>(null);
  const field = useRef<HTMLInputElement>(null);
  const begin = (topic: CategoryOut | null) => {
    setEditing(topic);
    setEnglish(topic?.names["en"] ?? "");
    setSpanish(topic?.names["es"] ?? "");
    field.current?.focus();
  };
  const [format, setFormat] = useState<knowledge.Format>("markdown");
  const [file, setFile] = useState<File | null>(null);
  const [report, setReport] = useState<knowledge.Imported | null>(null);
  const again = () => client.invalidateQueries({ queryKey: knowledge.categoriesQuery.queryKey });
  const items = query.data?.items ?? [];
  return (
    <Part title="knowledge.topics">
      <h2>{t("topics.title")}</h2>
      <ul className={classes.cards}>
        {items.map((each) => (
          <li key={each.id} className={classes.card}>
            <strong className={classes.grow}>{each.names[language] ?? Object.values(each.names)[0]}</strong>
            <span className={classes.soft}>{Object.entries(each.names).map(([code, name]) => `${code.toUpperCase()} ${name}`).join(" · ")}</span>
            <Button
              variant="subtle"
              size="compact-sm"
              aria-label={t("topics.changeThis", { topic: each.names[language] ?? each.id })}
              onClick={() => begin(each)}
            >
              {t("topics.change")}
            </Button>
            <Button
              variant="subtle"
              color="red"
              size="compact-sm"
              aria-label={t("topics.removeThis", { topic: each.names[language] ?? each.id })}
              onClick={() =>
                void run(async () => {
                  await knowledge.removeCategory(each.id);
                  if (editing?.id === each.id) begin(null);
                  await again();
                  return t("topics.removed");
                })
              }
            >
              {t("questions.remove")}
            </Button>
          </li>
        ))}
      </ul>
      <form
        className={classes.form}
        onSubmit={(event) => {
          event.preventDefault();
          void run(async () => {
            const names = { ...editing?.names, en: english.trim(), es: spanish.trim() };
            await (editing
              ? knowledge.changeCategory(editing.id, { names, position: editing.position })
              : knowledge.addCategory({ names, position: items.length }));
            begin(null);
            await again();
            return t(editing ? "topics.changed" : "topics.added");
          });
        }}
      >
        <TextInput ref={field} label={t("topics.english")} value={english} maxLength={120} onChange={(event) => setEnglish(event.currentTarget.value)} />
        <TextInput label={t("topics.spanish")} value={spanish} maxLength={120} onChange={(event) => setSpanish(event.currentTarget.value)} />
        <Button type="submit" disabled={!english.trim() || !spanish.trim()}>
          {t(editing ? "admin.save" : "topics.add")}
        </Button>
        {editing && (
          <Button variant="default" onClick={() => begin(null)}>
            {t("action.cancel")}
          </Button>
        )}
      </form>
      <h2>{t("files.title")}</h2>
      <p className={classes.soft}>{t("files.hint")}</p>
      <form
        className={classes.form}
        onSubmit={(event) => {
          event.preventDefault();
          if (!file) return;
          void run(async () => {
            const found = await knowledge.importFile(format, file);
            setReport(found);
            setFile(null);
            await client.invalidateQueries({ queryKey: keys.articles });
            await again();
            return t("files.done", { created: found.created, changed: found.changed, refused: found.refused.length });
          });
        }}
      >
        <NativeSelect
          label={t("files.format")}
          value={format}
          onChange={(event) => setFormat(event.currentTarget.value as knowledge.Format)}
          data={knowledge.FORMATS.map((each) => ({ value: each, label: t(`files.${each}`) }))}
        />
        <FileInput label={t("files.file")} placeholder={t("files.choose")} value={file} onChange={setFile} flex="1 1 200px" />
        <Button type="submit" disabled={!file}>
          {t("files.import")}
        </Button>
        <Button variant="default" component="a" href={`/api/v1/articles/export/${format}`} download>
          {t("files.export")}
        </Button>
      </form>
      {report && report.refused.length > 0 && (
        <ul className={classes.cards}>
          {report.refused.map((each, place) => (
            <li key={place} className={classes.card}>
              <strong>{each.where}</strong> <span className={classes.soft}>{each.rule}</span>
            </li>
          ))}
        </ul>
      )}
    </Part>
  );
}
