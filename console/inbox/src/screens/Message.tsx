import { Checkbox, Popover, UnstyledButton } from "@mantine/core";
import type { AttachmentOut, Citation, DeliveryOut, MessageOut } from "@centralita/shared/api";
import {
  IconAlertCircle,
  IconBook2,
  IconCheck,
  IconChecks,
  IconClock,
  IconFile,
  IconHelpCircle,
  IconInfoCircle,
  IconLock,
  IconRobot,
  type Icon,
} from "../parts/icons";
import { Link } from "@tanstack/react-router";
import { memo } from "react";

import { fileSize, share } from "../format/number";
import { clock, dayAndTime } from "../format/time";
import { ChannelIcon } from "../parts/Channel";
import { Person } from "../parts/Person";
import { useText } from "../text";
import classes from "./Message.module.css";
import type { Split } from "./useSplit";

interface MessageProps {
  message: MessageOut;
  contactName: string;
  /** Whether the author is named: not again for what follows at once. */
  heading: boolean;
  newChannel: boolean;
  split: Split;
}

function tone({ kind, author }: MessageOut): "note" | "contact" | "bot" | "agent" | "system" {
  return kind === "note" ? "note" : author.kind;
}

export const Message = memo(function Message({ message, contactName, heading, newChannel, split }: MessageProps) {
  const text = useText();
  const { t, word } = text;
  const { author } = message;
  const names = {
    contact: author.name || contactName || t("list.nobody"),
    bot: t("thread.bot"),
    agent: author.name || t("thread.someone"),
    system: t("thread.system"),
  };
  const name = names[author.kind];
  const channel = word("channel", message.channel);

  return (
    <>
      {newChannel && (
        <p className={classes.channel}>
          <ChannelIcon channel={message.channel} /> {t("thread.channelChange", { channel })}
        </p>
      )}
      <article
        className={classes.message}
        data-tone={tone(message)}
        data-side={message.kind === "incoming" ? "theirs" : "ours"}
        data-heading={heading || undefined}
        aria-label={`${name}, ${clock(message.at, text)}`}
      >
        {split.active && (
          <Checkbox
            checked={split.chosen.has(message.id)}
            onChange={() => split.toggle(message.id)}
            aria-label={t("split.select")}
          />
        )}
        <div className={classes.body}>
          {heading && (
            <p className={classes.author}>
              {author.kind === "bot" && <IconRobot size={15} aria-hidden />}
              {(author.kind === "agent" || author.kind === "contact") && <Person id={author.id ?? name} name={name} size={18} />}
              {name}
              {message.kind === "note" && (
                <span className={classes.private}>
                  <IconLock size={13} aria-hidden /> {t("thread.note")}
                </span>
              )}
            </p>
          )}
          <div className={classes.bubble}>
            {message.erased ? <em>{t("thread.erased")}</em> : <p className={classes.text}>{linked(message.text)}</p>}
            <Attachments attachments={message.attachments} />
            {message.citation && <Source citation={message.citation} />}
            {message.buttons.length > 0 && (
              <ul className={classes.buttons} aria-label={t("thread.buttons")}>
                {message.buttons.map((button) => (
                  <li key={button.payload}>{button.title}</li>
                ))}
              </ul>
            )}
          </div>
          <p className={classes.foot}>
            <time dateTime={message.at} title={dayAndTime(message.at, text)}>
              {clock(message.at, text)}
            </time>
            {message.delivery && message.kind === "outgoing" && <Delivery delivery={message.delivery} />}
            {message.rule && <Why rule={message.rule} />}
          </p>
        </div>
      </article>
    </>
  );
});

const ADDRESS = /(https?:\/\/[^\s<>"]+[^\s<>".,;:!?)\]])/;

/** Web addresses become links; everything else stays the text that was written. */
function linked(text: string) {
  return text.split(ADDRESS).map((part, index) =>
    index % 2 === 1 ? (
      <a key={index} href={part} target="_blank" rel="noopener noreferrer nofollow">
        {part}
      </a>
    ) : (
      part
    ),
  );
}

function Attachments({ attachments }: { attachments: AttachmentOut[] }) {
  const text = useText();
  if (attachments.length === 0) return null;
  return (
    <ul className={classes.attachments}>
      {attachments.map((attachment) => (
        <li key={attachment.id}>
          <a href={attachment.url} target="_blank" rel="noopener noreferrer" className={classes.attachment}>
            {/^image\/(png|jpeg|gif|webp|avif)$/.test(attachment.media_type) ? (
              <img src={attachment.url} alt={attachment.name} loading="lazy" />
            ) : (
              <>
                <IconFile size={18} aria-hidden />
                <span className={classes.fileName}>{attachment.name}</span>
                <span className={classes.fileSize}>{fileSize(attachment.size, text)}</span>
              </>
            )}
          </a>
        </li>
      ))}
    </ul>
  );
}

function Source({ citation }: { citation: Citation }) {
  const text = useText();
  const { t } = text;
  return (
    <Popover width={320} shadow="md" position="bottom-start" trapFocus>
      <Popover.Target>
        <UnstyledButton className={classes.source}>
          <IconBook2 size={15} aria-hidden />
          {t("thread.source", { title: citation.title, version: citation.version })}
        </UnstyledButton>
      </Popover.Target>
      <Popover.Dropdown>
        <p className={classes.passage}>{citation.passage}</p>
        <p className={classes.sourceFoot}>
          <span>{t("thread.confidence", { share: share(citation.confidence, text) })}</span>
          <Link to="/articles/$articleId/$locale" params={{ articleId: citation.article_id, locale: citation.locale }}>
            {t("thread.sourceOpen")}
          </Link>
        </p>
      </Popover.Dropdown>
    </Popover>
  );
}

const DELIVERY: Record<DeliveryOut["state"], Icon> = {
  queued: IconClock,
  sending: IconClock,
  sent: IconCheck,
  delivered: IconChecks,
  read: IconChecks,
  failed: IconAlertCircle,
  unknown: IconHelpCircle,
};

function Delivery({ delivery }: { delivery: DeliveryOut }) {
  const { t } = useText();
  const Sign = DELIVERY[delivery.state];
  const error = delivery.error_text || delivery.error_code;
  const words =
    delivery.state === "failed" && error ? t("delivery.failedWhy", { error }) : t(`delivery.${delivery.state}`);
  const spoken = delivery.state === "failed" || delivery.state === "unknown";
  return (
    <span className={classes.delivery} data-state={delivery.state} title={words}>
      <Sign size={15} {...(spoken ? { "aria-hidden": true } : { role: "img", "aria-label": words })} />
      {spoken && words}
    </span>
  );
}

function Why({ rule }: { rule: NonNullable<MessageOut["rule"]> }) {
  const { t } = useText();
  return (
    <Popover width={260} shadow="md" position="top">
      <Popover.Target>
        <UnstyledButton className={classes.why} aria-label={t("thread.why")} title={t("thread.why")}>
          <IconInfoCircle size={15} aria-hidden />
        </UnstyledButton>
      </Popover.Target>
      <Popover.Dropdown className={classes.rule ?? ""}>{t(`rule.${rule}`)}</Popover.Dropdown>
    </Popover>
  );
}
