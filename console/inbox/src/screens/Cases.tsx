import { Button } from "@mantine/core";
import type { CaseBaseOut, CaseOut } from "@centralita/shared/api";
import { useQuery } from "@tanstack/react-query";

import { acceptCase, caseBasesQuery, casesQuery, declineCase, learningKeys } from "../api/learning";
import { IconCircleCheck } from "../parts/icons";
import { Empty, Failed, Loading } from "../parts/Pane";
import { useText } from "../text";
import classes from "./Learning.module.css";
import { useDo } from "./useDo";

/** Solved conversations that would become cases, and what troubleshooting asks and offers today. */
export function Cases() {
  const { t } = useText();
  const bases = useQuery(caseBasesQuery);
  const query = useQuery(casesQuery);
  return (
    <>
      <div className={classes.head}>
        <p className={classes.soft}>{t("cases.hint")}</p>
      </div>
      {(query.isPending || bases.isPending) && <Loading lines={4} />}
      {query.isError && <Failed error={query.error} again={() => void query.refetch()} />}
      {query.data?.items.length === 0 && <Empty icon={IconCircleCheck} title={t("cases.none")} />}
      <ul className={classes.rows}>
        {bases.data &&
          query.data?.items.map((each) => (
            <Proposed key={each.id} proposed={each} base={bases.data.items.find((base) => base.id === each.base_id)} />
          ))}
      </ul>
      {bases.data?.items.map((base) => <Base key={base.id} base={base} />)}
    </>
  );
}

function Proposed({ proposed, base }: { proposed: CaseOut; base: CaseBaseOut | undefined }) {
  const { t, language } = useText();
  const { run, busy } = useDo(learningKeys.cases, ["caseBases"]);
  const solution = base?.solutions.find((each) => each.id === proposed.solution);
  return (
    <li className={classes.row}>
      <h2 className={classes.name}>{proposed.told || t("cases.untold")}</h2>
      <p className={classes.soft}>
        {base?.title[language]} → {solution?.title[language] ?? proposed.solution}
      </p>
      <ul className={classes.questions}>
        {base?.questions
          .filter((question) => proposed.answers[question.id])
          .map((question) => (
            <li key={question.id}>
              {question.text[language]}{" "}
              <strong>
                {question.choices.find((choice) => choice.id === proposed.answers[question.id])?.text[language] ??
                  t("guide.unknown")}
              </strong>
            </li>
          ))}
      </ul>
      <div className={classes.buttons}>
        <Button size="compact-sm" variant="light" disabled={busy} onClick={() => void run(() => acceptCase(proposed.id))}>
          {t("learning.accept")}
        </Button>
        <Button
          size="compact-sm"
          variant="subtle"
          color="gray"
          disabled={busy}
          onClick={() => void run(() => declineCase(proposed.id))}
        >
          {t("learning.decline")}
        </Button>
      </div>
    </li>
  );
}

function Base({ base }: { base: CaseBaseOut }) {
  const { counted, language } = useText();
  return (
    <details className={classes.row}>
      <summary>
        <strong>{base.title[language]}</strong>{" "}
        <span className={classes.soft}>
          {counted("cases.questions", base.questions.length)} · {counted("cases.solutions", base.solutions.length)} ·{" "}
          {counted("cases.cases", base.cases)}
        </span>
      </summary>
      <ul className={classes.questions}>
        {base.questions.map((question) => (
          <li key={question.id}>
            {question.text[language]}{" "}
            <span className={classes.soft}>{question.choices.map((choice) => choice.text[language]).join(" / ")}</span>
          </li>
        ))}
      </ul>
      <ul className={classes.questions}>
        {base.solutions.map((solution) => (
          <li key={solution.id}>
            <strong>{solution.title[language]}</strong> {solution.text[language]}
          </li>
        ))}
      </ul>
    </details>
  );
}
