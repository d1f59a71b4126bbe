import { Button, NativeSelect, NumberInput } from "@mantine/core";
import type { BacktestReport, FigureOut, IntervalOut } from "@centralita/shared/api";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";

import { askBacktest, backtestQuery, backtestsQuery, learningKeys } from "../api/learning";
import { decimal, percent } from "../format/number";
import { dayAndTime } from "../format/time";
import { Failed, Loading } from "../parts/Pane";
import { useMe } from "../session/me";
import { may } from "../session/permissions";
import { useText, type Text } from "../text";
import classes from "./Learning.module.css";
import { useDo } from "./useDo";

const ARTICLES = ["draft", "published", "then"] as const;
const MISSES = ["", "1", "2", "3", "4"];
const FIGURES = ["answered", "wrong", "handed_over", "minutes"] as const;

/** What other articles, thresholds or rules would have changed in closed conversations. */
export function Backtest() {
  const text = useText();
  const { t } = text;
  const list = useQuery(backtestsQuery);
  const { run, busy } = useDo(learningKeys.backtests);
  const [chosen, setChosen] = useState<string | null>(null);
  const [last, setLast] = useState<number>(1000);
  const [articles, setArticles] = useState<(typeof ARTICLES)[number]>("draft");
  const [threshold, setThreshold] = useState<number | "">("");
  const [misses, setMisses] = useState("");
  const start = async () => {
    const asked = await run(() =>
      askBacktest({
        last,
        articles,
        thresholds: { knowledge: threshold === "" ? null : threshold / 100, intent: null, mail: null, mail_intent: null },
        policy: misses ? { misses: Number(misses), articles_first: false } : null,
      }),
    );
    if (asked) setChosen(asked.id);
  };
  const shown = chosen ?? list.data?.items[0]?.id;
  return (
    <>
      <div className={classes.head}>
        <p className={classes.soft}>{t("backtest.hint")}</p>
      </div>
      <form
        className={classes.form}
        onSubmit={(event) => {
          event.preventDefault();
          void start();
        }}
      >
        <NumberInput label={t("backtest.last")} value={last} min={1} max={100_000} onChange={(value) => setLast(Number(value) || 1)} />
        <NativeSelect
          label={t("backtest.articles")}
          value={articles}
          onChange={(event) => setArticles(ARTICLES.find((each) => each === event.currentTarget.value) ?? "draft")}
          data={ARTICLES.map((value) => ({ value, label: t(`backtest.${value}`) }))}
        />
        <NumberInput
          label={t("backtest.threshold")}
          placeholder={t("backtest.asItIs")}
          suffix=" %"
          value={threshold}
          min={0}
          max={100}
          onChange={(value) => setThreshold(value === "" ? "" : Number(value))}
        />
        <NativeSelect
          label={t("backtest.misses")}
          value={misses}
          onChange={(event) => setMisses(event.currentTarget.value)}
          data={MISSES.map((value) => ({ value, label: value || t("backtest.asItIs") }))}
        />
        <Button type="submit" loading={busy}>
          {t("backtest.start")}
        </Button>
      </form>
      {list.data && list.data.items.length > 1 && (
        <NativeSelect
          label={t("backtest.earlier")}
          value={shown ?? ""}
          onChange={(event) => setChosen(event.currentTarget.value)}
          data={list.data.items.map((each) => ({
            value: each.id,
            label: `${dayAndTime(each.asked_at, text)} · ${t(`backtest.${each.given.articles}`)} · ${each.given.last}`,
          }))}
        />
      )}
      {shown && <Result key={shown} id={shown} />}
    </>
  );
}

function Result({ id }: { id: string }) {
  const { t } = useText();
  const query = useQuery(backtestQuery(id));
  if (query.isPending) return <Loading lines={4} />;
  if (query.isError) return <Failed error={query.error} again={() => void query.refetch()} />;
  const { state, report, error } = query.data;
  if (state === "failed") return <p role="alert">{t("backtest.failed", { why: error })}</p>;
  if (!report) return <p role="status" className={classes.soft}>{t("backtest.running")}</p>;
  return <Report report={report} />;
}

function Report({ report }: { report: BacktestReport }) {
  const text = useText();
  const { t, counted } = text;
  const methods = [...new Set(Object.values(report.figures).map((figure) => figure.difference.method))];
  return (
    <>
      <div className={classes.scroll}>
        <table className={classes.table}>
          <caption className={classes.soft}>
            {counted("backtest.conversations", report.conversations)} · {counted("backtest.turns", report.turns)}
          </caption>
          <thead>
            <tr>
              <th scope="col">{t("backtest.figure")}</th>
              <th scope="col">{t("backtest.before")}</th>
              <th scope="col">{t("backtest.after")}</th>
              <th scope="col">{t("backtest.difference")}</th>
            </tr>
          </thead>
          <tbody>
            {FIGURES.map((name) => {
              const figure = report.figures[name];
              return figure && <Row key={name} name={t(`backtest.${name}`)} figure={figure} minutes={name === "minutes"} />;
            })}
          </tbody>
        </table>
      </div>
      <p className={classes.soft}>{t("backtest.intervals", { methods: methods.join("; ") })}</p>
      {Object.entries(report.changed).map(([what, rows]) => (
        <Changed key={what} what={what} count={report.counts[what] ?? rows.length} rows={rows} />
      ))}
    </>
  );
}

function Row({ name, figure, minutes }: { name: string; figure: FigureOut; minutes: boolean }) {
  const text = useText();
  return (
    <tr>
      <th scope="row">{name}</th>
      {[figure.before, figure.after, figure.difference].map((interval, place) => (
        <td key={place}>
          {written(interval.value, minutes, text)}
          <span className={classes.range}>{range(interval, minutes, text)}</span>
        </td>
      ))}
    </tr>
  );
}

function written(value: number, minutes: boolean, text: Text): string {
  return minutes ? `${decimal(value, text)} min` : percent(value, text);
}

function range({ low, high }: IntervalOut, minutes: boolean, text: Text): string {
  return `${written(low, minutes, text)} – ${written(high, minutes, text)}`;
}

function Changed({ what, count, rows }: { what: string; count: number; rows: BacktestReport["changed"][string] }) {
  const { t, word, counted } = useText();
  const me = useMe();
  return (
    <details className={classes.row}>
      <summary>
        <strong>{word("backtestWhat", what)}</strong>{" "}
        <span className={classes.soft}>{counted("backtest.conversations", count)}</span>
      </summary>
      <ul className={classes.questions}>
        {rows.map((row) => (
          <li key={row.conversation_id}>
            {row.question}{" "}
            <span className={classes.soft}>
              {row.before.said || t("backtest.nothing")} → {row.after.said || t("backtest.nothing")} ·{" "}
              {may(me, "converse") ? (
                <Link to="/$view/$conversationId" params={{ view: "resolved", conversationId: row.conversation_id }} search={{}}>
                  #{row.ticket_number}
                </Link>
              ) : (
                `#${row.ticket_number}`
              )}
            </span>
          </li>
        ))}
      </ul>
    </details>
  );
}
