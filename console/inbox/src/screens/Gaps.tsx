import { Badge, Button } from "@mantine/core";
import type { GapOut } from "@centralita/shared/api";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useState } from "react";

import { beginArticle, dismissGap, gapConversationQuery, gapQuery, gapsQuery, learningKeys, searchGaps } from "../api/learning";
import { decimal } from "../format/number";
import { dayAndTime } from "../format/time";
import { IconBookOff } from "../parts/icons";
import { Empty, Failed, Loading } from "../parts/Pane";
import { useMe } from "../session/me";
import { may } from "../session/permissions";
import { useText } from "../text";
import classes from "./Learning.module.css";
import { useDo } from "./useDo";

/** What customers ask and only people can answer, what costs most first. */
export function Gaps() {
  const text = useText();
  const { t } = text;
  const query = useQuery(gapsQuery);
  const { run, busy } = useDo(learningKeys.gaps);
  const searched = query.data?.searched_at;
  return (
    <>
      <div className={classes.head}>
        <p className={classes.soft}>
          {t("gaps.hint")} {searched && t("gaps.searched", { time: dayAndTime(searched, text) })}
        </p>
        <Button loading={busy || query.data?.searching === true} onClick={() => void run(searchGaps)}>
          {t("gaps.search")}
        </Button>
      </div>
      {query.isPending && <Loading lines={5} />}
      {query.isError && <Failed error={query.error} again={() => void query.refetch()} />}
      {query.data?.items.length === 0 && <Empty icon={IconBookOff} title={t("gaps.none")} hint={t("gaps.noneHint")} />}
      <ul className={classes.rows}>{query.data?.items.map((gap) => <Gap key={gap.id} gap={gap} />)}</ul>
    </>
  );
}

function Gap({ gap }: { gap: GapOut }) {
  const text = useText();
  const { t, counted, word } = text;
  const [open, setOpen] = useState(false);
  const { run, busy } = useDo(learningKeys.gaps);
  const navigate = useNavigate();
  const write = async () => {
    const begun = await run(() => beginArticle(gap.id));
    if (begun) await navigate({ to: "/articles/$articleId/$locale", params: { articleId: begun.article_id, locale: begun.locale } });
  };
  return (
    <li className={classes.row}>
      <div className={classes.line}>
        <h2 className={classes.name}>{gap.name}</h2>
        <span className={classes.figure}>{t("gaps.minutes", { minutes: decimal(gap.minutes, text) })}</span>
      </div>
      <p className={classes.soft}>
        {counted("gaps.questions", gap.questions)} · {gap.words.join(", ")}{" "}
        {gap.state !== "open" && <Badge size="sm" variant="light">{word("gapState", gap.state)}</Badge>}
      </p>
      {gap.before !== null && gap.after !== null && (
        <p className={classes.soft}>
          {t("gaps.saved", {
            saved: decimal(gap.before - gap.after, text),
            before: decimal(gap.before, text),
            after: decimal(gap.after, text),
          })}
        </p>
      )}
      <div className={classes.buttons}>
        <Button size="compact-sm" variant="light" aria-expanded={open} onClick={() => setOpen(!open)}>
          {t(open ? "gaps.hide" : "gaps.show")}
        </Button>
        {gap.article_id && gap.locale ? (
          <Button
            size="compact-sm"
            variant="light"
            renderRoot={(props) => (
              <Link
                to="/articles/$articleId/$locale"
                params={{ articleId: gap.article_id ?? "", locale: gap.locale ?? "" }}
                {...props}
              />
            )}
          >
            {t("gaps.article")}
          </Button>
        ) : (
          <>
            <Button size="compact-sm" variant="light" loading={busy} onClick={() => void write()}>
              {t("gaps.write")}
            </Button>
            <Button size="compact-sm" variant="subtle" color="gray" onClick={() => void run(() => dismissGap(gap.id))}>
              {t("gaps.dismiss")}
            </Button>
          </>
        )}
      </div>
      {open && <Questions gapId={gap.id} />}
    </li>
  );
}

function Questions({ gapId }: { gapId: string }) {
  const text = useText();
  const { t, word } = text;
  const me = useMe();
  const [opened, setOpened] = useState("");
  const query = useQuery(gapQuery(gapId));
  if (query.isPending) return <Loading lines={3} height={20} />;
  if (query.isError) return <Failed error={query.error} again={() => void query.refetch()} />;
  return (
    <ul className={classes.questions}>
      {query.data.questions.map((each) => (
        <li key={each.message_id}>
          {each.text}{" "}
          <span className={classes.soft}>
            {word("gapReason", each.reason)} · {decimal(each.minutes, text)} min ·{" "}
            {may(me, "converse") ? (
              <Link to="/$view/$conversationId" params={{ view: "resolved", conversationId: each.conversation_id }} search={{}}>
                #{each.ticket_number}
              </Link>
            ) : (
              <Button
                size="compact-xs"
                variant="subtle"
                aria-expanded={opened === each.message_id}
                aria-label={t("gaps.read", { number: each.ticket_number })}
                onClick={() => setOpened(opened === each.message_id ? "" : each.message_id)}
              >
                #{each.ticket_number}
              </Button>
            )}
          </span>
          {opened === each.message_id && <Transcript gapId={gapId} conversationId={each.conversation_id} />}
        </li>
      ))}
    </ul>
  );
}

/** What was said in a conversation behind a gap, for those who write articles and do not answer customers. */
function Transcript({ gapId, conversationId }: { gapId: string; conversationId: string }) {
  const { t } = useText();
  const query = useQuery(gapConversationQuery(gapId, conversationId));
  if (query.isPending) return <Loading lines={2} height={20} />;
  if (query.isError) return <Failed error={query.error} again={() => void query.refetch()} />;
  return (
    <ul className={classes.transcript}>
      {query.data.messages.map(({ message_id, author, text }) => (
        <li key={message_id}>
          <span className={classes.soft}>{t(author === "contact" ? "assist.customer" : author === "agent" ? "assist.agent" : "gaps.bot")}</span> {text}
        </li>
      ))}
    </ul>
  );
}
