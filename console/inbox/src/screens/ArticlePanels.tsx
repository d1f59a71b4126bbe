import { Button, Checkbox, NativeSelect, TextInput } from "@mantine/core";
import type { ArticleOut, PieceOut } from "@centralita/shared/api";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { applyArticle } from "../actions/saveArticle";
import * as knowledge from "../api/knowledge";
import { brief } from "../format/time";
import { useText } from "../text";
import classes from "./Knowledge.module.css";

interface PanelProps {
  article: ArticleOut;
  editable: boolean;
  run: (work: () => Promise<string>) => void;
  /** The draft's text is another one now: the editor shows it. */
  onRestored: (article: ArticleOut) => void;
}

/** Who may read it, where it stands, until when; what was published; what customers did with it. */
export function ArticlePanels({ article, editable, run, onRestored }: PanelProps) {
  return (
    <>
      {editable && <Placement article={article} run={run} />}
      <Figures article={article} />
      <Versions article={article} editable={editable} run={run} onRestored={onRestored} />
    </>
  );
}

function Placement({ article, run }: Pick<PanelProps, "article" | "run">) {
  const { t, language } = useText();
  const client = useQueryClient();
  const { data } = useQuery(knowledge.categoriesQuery);
  const place = (category_id: string | null, internal: boolean) =>
    run(async () => {
      const { items } = await knowledge.place(article.article_id, { category_id, internal });
      for (const each of items) applyArticle(client, each);
      return t("article.placed");
    });
  const local = article.expires_at ? article.expires_at.slice(0, 16) : "";
  return (
    <details className={classes.panel}>
      <summary>{t("article.settings")}</summary>
      <div>
        <NativeSelect
          label={t("article.topic")}
          value={article.category_id ?? ""}
          onChange={(event) => place(event.currentTarget.value || null, article.internal)}
          data={[
            { value: "", label: t("article.noTopic") },
            ...(data?.items ?? []).map((each) => ({ value: each.id, label: each.names[language] ?? Object.values(each.names)[0] ?? each.id })),
          ]}
        />
        <Checkbox
          label={t("article.internal")}
          description={t("article.internalHint")}
          checked={article.internal}
          onChange={(event) => place(article.category_id, event.currentTarget.checked)}
        />
        <TextInput
          type="datetime-local"
          label={t("article.expires")}
          defaultValue={local}
          key={local}
          onBlur={(event) => {
            const wanted = event.currentTarget.value;
            if (wanted === local) return;
            run(async () => {
              const until = wanted ? new Date(`${wanted}Z`).toISOString() : null;
              applyArticle(client, await knowledge.setExpiry(article.article_id, article.locale, until));
              return t("article.placed");
            });
          }}
        />
      </div>
    </details>
  );
}

function Figures({ article }: { article: ArticleOut }) {
  const { t } = useText();
  const { data } = useQuery(knowledge.figuresQuery(article.article_id, article.locale));
  if (!data) return null;
  return (
    <dl className={classes.numbers} aria-label={t("figures.title", { days: data.days })}>
      {(["shown", "helped", "unhelpful", "handed_off", "offered", "picked"] as const).map((name) => (
        <div key={name} className={classes.number}>
          <dt>{t(`figures.${name}`)}</dt>
          <dd>{data[name]}</dd>
        </div>
      ))}
    </dl>
  );
}

function Versions({ article, editable, run, onRestored }: PanelProps) {
  const text = useText();
  const { t } = text;
  const client = useQueryClient();
  const [chosen, setChosen] = useState<number | null>(null);
  const { data } = useQuery({ ...knowledge.versionsQuery(article.article_id, article.locale) });
  if (!data || data.items.length === 0) return null;
  const version = chosen ?? data.items[0]?.version ?? 1;
  return (
    <details className={classes.panel}>
      <summary>{t("versions.title", { count: data.items.length })}</summary>
      <div>
        <div className={classes.form}>
          <NativeSelect
            label={t("versions.compare")}
            value={String(version)}
            onChange={(event) => setChosen(Number(event.currentTarget.value))}
            data={data.items.map((each) => ({
              value: String(each.version),
              label: `${t("articles.version", { number: each.version })} · ${brief(each.published_at, text)}`,
            }))}
          />
          {editable && (
            <Button
              variant="default"
              onClick={() =>
                run(async () => {
                  const restored = await knowledge.restore(article.article_id, article.locale, version);
                  applyArticle(client, restored);
                  onRestored(restored);
                  return t("versions.restored", { number: version });
                })
              }
            >
              {t("versions.restore")}
            </Button>
          )}
        </div>
        <Difference article={article} version={version} />
      </div>
    </details>
  );
}

function Difference({ article, version }: { article: ArticleOut; version: number }) {
  const { t } = useText();
  const { data } = useQuery(knowledge.differenceQuery(article.article_id, article.locale, version, 0, article.updated_at));
  if (!data) return null;
  const same = [...data.title, ...data.body].every((piece) => piece.kind === "same");
  return (
    <>
      {same && <p className={classes.soft}>{t("versions.same")}</p>}
      <div className={classes.difference} lang={article.locale}>
        <strong>
          <Pieces pieces={data.title} />
        </strong>
        {"\n\n"}
        <Pieces pieces={data.body} />
      </div>
    </>
  );
}

function Pieces({ pieces }: { pieces: PieceOut[] }) {
  return pieces.map((piece, place) => {
    if (piece.kind === "added") return <ins key={place}>{piece.text}</ins>;
    if (piece.kind === "removed") return <del key={place}>{piece.text}</del>;
    return <span key={place}>{piece.text}</span>;
  });
}
