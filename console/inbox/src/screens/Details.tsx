import { Button, CloseButton } from "@mantine/core";
import type { ArticleRef, ConversationDetail, ConversationOut, Packet, TriedAnswer } from "@centralita/shared/api";
import {
  IconCheck,
  IconCircleCheck,
  IconCircleDashed,
  IconHelpHexagon,
  IconPlus,
  IconShieldCheck,
  IconShieldQuestion,
} from "../parts/icons";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useState } from "react";

import { share } from "../format/number";
import { brief } from "../format/time";
import { ChannelIcon } from "../parts/Channel";
import { Since } from "../parts/Since";
import { insertIntoDraft } from "../session/drafts";
import { useText } from "../text";
import { Assist } from "./Assist";
import { Candidates } from "./Candidates";
import { CheckIdentity } from "./CheckIdentity";
import classes from "./Details.module.css";
import { Identities } from "./Identities";
import { Section } from "./Section";
import { WhyMe } from "./WhyMe";

const route = getRouteApi("/shell/$view/$conversationId");

/** All that a person needs to go on without asking again: the handoff packet, the contact, what was before. */
export function Details({ detail, onClose }: { detail: ConversationDetail; onClose: () => void }) {
  const { t, counted } = useText();
  const { conversation, packet, merged_from: mergedFrom } = detail;
  return (
    <div className={classes.details}>
      <div className={classes.bar}>
        <h2 className={classes.title}>{t("packet.label")}</h2>
        <CloseButton aria-label={t("thread.detailsClose")} onClick={onClose} />
      </div>
      {packet && <Handoff packet={packet} conversation={conversation} />}
      <Assist conversation={conversation} last={conversation.last_activity_at} />
      <WhyMe conversation={conversation} />
      <Contact detail={detail} />
      <Candidates conversation={conversation} contact={detail.contact} />
      <Section title={t("packet.earlier")}>
        {detail.earlier.length === 0 && <p className={classes.soft}>{t("packet.noEarlier")}</p>}
        <Earlier rows={detail.earlier} />
        {mergedFrom.length > 0 && <p className={classes.soft}>{counted("packet.mergedFrom", mergedFrom.length)}</p>}
      </Section>
    </div>
  );
}

// The bot's own bookkeeping: what of it matters stands elsewhere on this page.
const INTERNAL = new Set([
  "identity_outcome",
  "identity_tries",
  "language",
  "open_question",
  "requested_slot",
  "session_started_metadata",
  "verified_level",
  "verified_number",
]);

function Handoff({ packet, conversation }: { packet: Packet; conversation: ConversationOut }) {
  const text = useText();
  const { t, counted, word } = text;
  const slots = Object.entries(packet.slots).filter(([name, value]) => value !== "" && !INTERNAL.has(name));
  return (
    <>
      <div className={classes.reason}>
        <p className={classes.why}>{word("reason", packet.reason)}</p>
        <p className={classes.soft}>
          {t("packet.handedOver", { time: brief(packet.handed_over_at, text) })}
          {conversation.waiting_since && (
            <>
              {" · "}
              <Waiting at={conversation.waiting_since} />
            </>
          )}
          {packet.transcript_messages > 0 && ` · ${counted("packet.transcript", packet.transcript_messages)}`}
        </p>
      </div>
      {packet.open_question && (
        <Section title={t("packet.question")}>
          <blockquote className={classes.question}>
            <IconHelpHexagon size={17} aria-hidden />
            <span>{packet.open_question.text || t("list.attachment")}</span>
          </blockquote>
        </Section>
      )}
      {slots.length > 0 && (
        <Section title={t("packet.known")}>
          <dl className={classes.facts}>
            {slots.map(([name, value]) => (
              <div key={name}>
                <dt>{word("slot", name)}</dt>
                <dd>{name === "purpose" ? word("intent", value) : value}</dd>
              </div>
            ))}
          </dl>
        </Section>
      )}
      {packet.suggested.length > 0 && (
        <Section title={t("packet.suggested")}>
          <ul className={classes.plain}>
            {packet.suggested.map((article) => (
              <Suggested key={article.article_id} article={article} conversationId={conversation.id} />
            ))}
          </ul>
        </Section>
      )}
      {packet.tried.length > 0 && (
        <Section title={t("packet.tried")}>
          <ul className={classes.plain}>
            {packet.tried.map((answer, index) => (
              <Tried key={index} answer={answer} />
            ))}
          </ul>
        </Section>
      )}
    </>
  );
}

function Waiting({ at }: { at: string }) {
  const { t } = useText();
  // The sentence's order is the language's, the ticking part stays a component.
  const [before, after] = t("packet.waiting", { time: "\u0000" }).split("\u0000");
  return (
    <span className={classes.waiting}>
      {before}
      <Since at={at} />
      {after}
    </span>
  );
}

function Suggested({ article, conversationId }: { article: ArticleRef; conversationId: string }) {
  const text = useText();
  const { t } = text;
  const [inserted, setInserted] = useState(false);
  return (
    <li className={classes.article}>
      <p className={classes.articleTitle}>
        <Link to="/articles/$articleId/$locale" params={{ articleId: article.article_id, locale: article.locale }}>
          {article.title}
        </Link>
        <span className={classes.score}>{share(article.confidence, text)}</span>
      </p>
      <p className={classes.passage}>{article.passage}</p>
      <Button
        size="compact-xs"
        variant="light"
        leftSection={inserted ? <IconCheck size={14} aria-hidden /> : <IconPlus size={14} aria-hidden />}
        onClick={() => {
          insertIntoDraft(conversationId, article.passage);
          setInserted(true);
          setTimeout(() => setInserted(false), 2_000);
        }}
      >
        {inserted ? t("packet.inserted") : t("packet.insert")}
      </Button>
    </li>
  );
}

const BY = { bot: "packet.byBot", knowledge_base: "packet.byKnowledge", cases: "packet.byCases" } as const;

function Tried({ answer }: { answer: TriedAnswer }) {
  const text = useText();
  const { t, word } = text;
  const given = answer.given ? t("packet.given") : t("packet.notGiven");
  const Sign = answer.given ? IconCircleCheck : IconCircleDashed;
  const label = answer.source === "bot" ? word("intent", answer.label) : answer.label;
  return (
    <li className={classes.tried} data-given={answer.given || undefined}>
      <Sign size={16} aria-hidden />
      <span className={classes.triedText}>
        {answer.article_id && answer.locale ? (
          <Link to="/articles/$articleId/$locale" params={{ articleId: answer.article_id, locale: answer.locale }}>
            {label}
          </Link>
        ) : (
          label
        )}
        <span className={classes.soft}>
          {t(BY[answer.source])} · {given}
        </span>
      </span>
      <span className={classes.score}>{share(answer.score, text)}</span>
    </li>
  );
}

function Contact({ detail }: { detail: ConversationDetail }) {
  const text = useText();
  const { t, word, languageName } = text;
  const { conversation, contact, packet, verification } = detail;
  const level = conversation.verified_level;
  const Shield = level === "verified" ? IconShieldCheck : IconShieldQuestion;
  const language = conversation.language || contact.language;
  return (
    <Section title={t("packet.contact")}>
      <p className={classes.contactName}>{contact.name || t("list.nobody")}</p>
      <dl className={classes.facts}>
        {language && (
          <div>
            <dt>{t("packet.language")}</dt>
            <dd>{languageName(language)}</dd>
          </div>
        )}
        <div>
          <dt>{t("packet.verified")}</dt>
          <dd className={classes.verified} data-level={level}>
            <Shield size={16} aria-hidden /> {t(`verified.${level}`)}
            {packet?.verified_by && level !== "none" && (
              <span className={classes.soft}>({word("verifiedBy", packet.verified_by)})</span>
            )}
            {verification && !verification.holds && (
              <span className={classes.soft}>
                {t("verified.elsewhere", {
                  address: [word("channel", verification.channel), verification.address_display].filter(Boolean).join(" · "),
                })}
              </span>
            )}
          </dd>
        </div>
      </dl>
      <CheckIdentity detail={detail} />
      <Identities conversation={conversation} contact={contact} />
    </Section>
  );
}

function Earlier({ rows }: { rows: ConversationOut[] }) {
  const text = useText();
  const { view } = route.useParams();
  return (
    <ul className={classes.plain}>
      {rows.map((row) => (
        <li key={row.id}>
          <Link to="/$view/$conversationId" params={{ view, conversationId: row.id }} search={{}} className={classes.earlier}>
            <ChannelIcon channel={row.channel} size={16} />
            <span className={classes.triedText}>
              <span className={classes.cut}>{row.last_message ? row.last_message.text || text.t("list.attachment") : text.t("list.noMessage")}</span>
              <span className={classes.soft}>
                #{row.ticket_number} · {text.t(`status.${row.status}`)} · {brief(row.last_activity_at, text)}
              </span>
            </span>
          </Link>
        </li>
      ))}
    </ul>
  );
}
