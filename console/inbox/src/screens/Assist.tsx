import { Button } from "@mantine/core";
import type { ConversationOut, GuideOut, HelpOut } from "@centralita/shared/api";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { notifications } from "@mantine/notifications";
import { useState } from "react";

import { assistQuery, draftAnswer, guideQuery, setGuide, teach } from "../api/learning";
import { share } from "../format/number";
import { insertIntoDraft } from "../session/drafts";
import { useText } from "../text";
import classes from "./Details.module.css";
import own from "./Learning.module.css";
import { Section } from "./Section";
import { useDo } from "./useDo";

/** What helps to answer: the next question of troubleshooting, answers with their source, conversations like this. */
export function Assist({ conversation, last }: { conversation: ConversationOut; last: string }) {
  const { data } = useQuery(assistQuery(conversation.id, last));
  return (
    <>
      <Guide conversation={conversation} last={last} />
      {data && <Help help={data} conversation={conversation} />}
    </>
  );
}

function Help({ help, conversation }: { help: HelpOut; conversation: ConversationOut }) {
  const text = useText();
  const { t } = text;
  const { run, busy } = useDo();
  const [draft, setDraft] = useState<{ text: string; titles: string[] } | null>(null);
  const id = conversation.id;
  const answered = async (articleId: string, locale: string) => {
    const said = await run(() => teach(id, { message_id: help.question_id, article_id: articleId, locale, answer: "" }));
    if (said) notifications.show({ message: t("assist.taught"), autoClose: 4_000 });
  };
  const write = async () => {
    const made = await run(() => draftAnswer(id));
    if (made) setDraft({ text: made.text, titles: made.sources.map((source) => source.title) });
  };
  return (
    <>
      {help.summary.length > 2 && (
        <Section title={t("assist.summary")}>
          <ul className={classes.plain}>
            {help.summary.map((sentence, place) => (
              <li key={place}>
                <span className={classes.soft}>{t(sentence.author === "contact" ? "assist.customer" : "assist.agent")}</span>{" "}
                {sentence.text}
              </li>
            ))}
          </ul>
        </Section>
      )}
      {help.suggested.length > 0 && (
        <Section title={t("assist.suggested")}>
          <ul className={classes.plain}>
            {help.suggested.map((article) => (
              <li key={article.article_id} className={classes.article}>
                <p className={classes.articleTitle}>
                  <Link to="/articles/$articleId/$locale" params={{ articleId: article.article_id, locale: article.locale }}>
                    {article.title}
                  </Link>
                  <span className={classes.score}>{share(article.confidence, text)}</span>
                </p>
                <p className={classes.passage}>{article.passage}</p>
                <div className={own.buttons}>
                  <Button size="compact-xs" variant="light" onClick={() => insertIntoDraft(id, article.passage)}>
                    {t("packet.insert")}
                  </Button>
                  <Button
                    size="compact-xs"
                    variant="subtle"
                    disabled={busy}
                    onClick={() => void answered(article.article_id, article.locale)}
                  >
                    {t("assist.answers")}
                  </Button>
                </div>
              </li>
            ))}
          </ul>
        </Section>
      )}
      {help.may_draft && (
        <Section title={t("assist.draft")}>
          {draft && (
            <>
              <p className={classes.passage}>{draft.text}</p>
              <p className={classes.soft}>{t("assist.sources", { titles: draft.titles.join(", ") })}</p>
            </>
          )}
          <div className={own.buttons}>
            <Button size="compact-xs" variant="light" loading={busy} onClick={() => void write()}>
              {t("assist.write")}
            </Button>
            {draft && (
              <Button size="compact-xs" variant="light" onClick={() => insertIntoDraft(id, draft.text)}>
                {t("packet.insert")}
              </Button>
            )}
          </div>
        </Section>
      )}
      {help.similar.length > 0 && (
        <Section title={t("assist.similar")}>
          <ul className={classes.plain}>
            {help.similar.map((each) => (
              <li key={each.conversation_id} className={classes.article}>
                <p className={classes.articleTitle}>
                  <Link to="/$view/$conversationId" params={{ view: "resolved", conversationId: each.conversation_id }} search={{}}>
                    {each.question}
                  </Link>
                </p>
                <p className={classes.passage}>{each.answer}</p>
                <Button size="compact-xs" variant="light" onClick={() => insertIntoDraft(id, each.answer)}>
                  {t("packet.insert")}
                </Button>
              </li>
            ))}
          </ul>
        </Section>
      )}
    </>
  );
}

function Guide({ conversation, last }: { conversation: ConversationOut; last: string }) {
  const text = useText();
  const { t, language } = text;
  const query = guideQuery(conversation.id, last);
  const { data } = useQuery(query);
  const client = useQueryClient();
  const { run, busy } = useDo();
  if (!data?.base_id) return null;
  const answer = async (guide: GuideOut, answers: GuideOut["answers"], solution: string | null) => {
    const after = await run(() => setGuide(conversation.id, { base_id: guide.base_id, answers, solution }));
    if (after) client.setQueryData(query.queryKey, after);
  };
  const { ask, standing } = data;
  const best = standing[0];
  return (
    <Section title={t("guide.title")}>
      {ask && (
        <>
          <p>{ask.question.text[language]}</p>
          <p className={classes.soft}>{ask.why[language]}</p>
          <div className={own.buttons}>
            {[...ask.question.choices.map((choice) => ({ id: choice.id, label: choice.text[language] })), { id: "unknown", label: t("guide.unknown") }].map(
              (choice) => (
                <Button
                  key={choice.id}
                  size="compact-xs"
                  variant="light"
                  disabled={busy}
                  onClick={() => void answer(data, { ...data.answers, [ask.question.id]: choice.id }, null)}
                >
                  {choice.label}
                </Button>
              ),
            )}
            <Button size="compact-xs" variant="subtle" onClick={() => insertIntoDraft(conversation.id, ask.question.text[language])}>
              {t("guide.ask")}
            </Button>
          </div>
        </>
      )}
      {best && (
        <ul className={classes.plain}>
          {standing.map((each) => (
            <li key={each.solution} className={classes.article}>
              <p className={classes.articleTitle}>
                <span>{each.title[language]}</span>
                <span className={classes.score}>{share(each.probability, text)}</span>
              </p>
              {each === best && data.kind === "solve" && <p className={classes.passage}>{each.text[language]}</p>}
              <div className={own.buttons}>
                <Button size="compact-xs" variant="light" onClick={() => insertIntoDraft(conversation.id, each.text[language])}>
                  {t("packet.insert")}
                </Button>
                {data.state !== "solved" && (
                  <Button
                    size="compact-xs"
                    variant="subtle"
                    disabled={busy}
                    onClick={() => void answer(data, data.answers, each.solution)}
                  >
                    {t("guide.helped")}
                  </Button>
                )}
              </div>
            </li>
          ))}
        </ul>
      )}
      {data.state === "solved" && <p className={classes.soft}>{t("guide.solved")}</p>}
    </Section>
  );
}
