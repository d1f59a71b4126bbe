import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";

import { acceptLesson, declineLesson, learningKeys, lessonsQuery } from "../api/learning";
import { dayAndTime } from "../format/time";
import { IconCircleCheck } from "../parts/icons";
import { Empty, Failed, Loading } from "../parts/Pane";
import { useText } from "../text";
import classes from "./Learning.module.css";
import { useDo } from "./useDo";

/** What agents taught, for an editor's yes or no. */
export function Lessons() {
  const text = useText();
  const { t } = text;
  const query = useQuery(lessonsQuery);
  const { run, busy } = useDo(learningKeys.lessons);
  return (
    <>
      <div className={classes.head}>
        <p className={classes.soft}>{t("lessons.hint")}</p>
      </div>
      {query.isPending && <Loading lines={4} />}
      {query.isError && <Failed error={query.error} again={() => void query.refetch()} />}
      {query.data?.items.length === 0 && <Empty icon={IconCircleCheck} title={t("lessons.none")} />}
      <ul className={classes.rows}>
        {query.data?.items.map((lesson) => (
          <li key={lesson.id} className={classes.row}>
            <div className={classes.line}>
              <h2 className={classes.name}>{lesson.text}</h2>
              <time className={classes.soft} dateTime={lesson.created_at}>
                {dayAndTime(lesson.created_at, text)}
              </time>
            </div>
            <p className={classes.soft}>
              {lesson.article_id ? (
                <>
                  {t("lessons.answeredBy")}{" "}
                  <Link to="/articles/$articleId/$locale" params={{ articleId: lesson.article_id, locale: lesson.locale }}>
                    {lesson.title}
                  </Link>
                </>
              ) : (
                t("lessons.noArticle")
              )}
            </p>
            {lesson.answer && <blockquote className={classes.quote}>{lesson.answer}</blockquote>}
            <div className={classes.buttons}>
              <Button size="compact-sm" variant="light" disabled={busy} onClick={() => void run(() => acceptLesson(lesson.id))}>
                {t("learning.accept")}
              </Button>
              <Button
                size="compact-sm"
                variant="subtle"
                color="gray"
                disabled={busy}
                onClick={() => void run(() => declineLesson(lesson.id))}
              >
                {t("learning.decline")}
              </Button>
            </div>
          </li>
        ))}
      </ul>
    </>
  );
}
