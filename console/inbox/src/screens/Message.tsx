import { Checkbox, Popover, UnstyledButton } from "@mantine/core";
import type { Citation, ConversationOut, MessageOut } from "@centralita/shared/api";
import { IconBook2, IconBuilding, IconInfoCircle, IconLock, IconRobot } from "../parts/icons";
import { useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { memo } from "react";

import { recallVendor } from "../actions/recallVendor";
import { useAct } from "../actions/useAct";
import { keys } from "../api/queries";
import { share } from "../format/number";
import { clock, dayAndTime } from "../format/time";
import { ChannelIcon } from "../parts/Channel";
import { Person } from "../parts/Person";
import { useText } from "../text";
import { Attachments, filesOf, isPicture, type FileView } from "./Attachments";
import { Delivery } from "./Delivery";
import { Above, Extras, Reactions, Versions } from "./Extras";
import { LetterFoot, LetterHead, PlacedBy } from "./Letter";
import classes from "./Message.module.css";
import type { Split } from "./useSplit";

interface MessageProps {
  message: MessageOut;
  contactName: string;
  /** Whether the author is named: not again for what follows at once. */
  heading: boolean;
  conversation: ConversationOut;
  /** Whether its channel is shown: where the thread has several. */
  channels: boolean;
  split: Split;
}

/** The logos of signatures come with every mail: "as it was sent" has them. */
const LOGO = 20_000;

function shownFiles(message: MessageOut): FileView[] {
  const inside = new Set(message.letter?.inline);
  return filesOf(message).filter((file) => !(inside.has(file.id) && isPicture(file) && file.size < LOGO));
}

function tone({ kind, author }: MessageOut): "note" | MessageOut["author"]["kind"] {
  return kind === "note" || kind === "vendor" ? kind : author.kind;
}

export const Message = memo(function Message({ message, contactName, conversation, heading, channels, split }: MessageProps) {
  const text = useText();
  const { t } = text;
  const client = useQueryClient();
  const { author, letter } = message;
  const names = {
    contact: author.name || contactName || t("list.nobody"),
    bot: t("thread.bot"),
    agent: author.name || t("thread.someone"),
    system: t("thread.system"),
    vendor: author.name || t("vendor.firm"),
  };
  const fromFirm = author.kind === "vendor";
  const name = names[author.kind];

  return (
    <article
      className={classes.message}
      data-tone={tone(message)}
      data-side={message.kind === "incoming" || fromFirm ? "theirs" : "ours"}
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
            {letter && letter.sender !== name && <span className={classes.address}>{letter.sender}</span>}
            {message.vendor && (
              <span className={classes.private}>
                <IconBuilding size={13} aria-hidden />
                {fromFirm ? t("vendor.answer") : t("vendor.to", { firm: message.vendor.name })}
              </span>
            )}
            {message.from_vendor && (
              <span className={classes.private}>
                <IconBuilding size={13} aria-hidden /> {t("vendor.wrote")}
              </span>
            )}
            {message.kind === "note" && (
              <span className={classes.private}>
                <IconLock size={13} aria-hidden /> {t("thread.note")}
              </span>
            )}
            {message.native_app && <span className={classes.private}>{t("thread.nativeApp")}</span>}
          </p>
        )}
        <div className={classes.bubble}>
          {letter && <LetterHead letter={letter} conversation={conversation} />}
          <Above message={message} />
          {message.erased ? <em>{t(message.deleted ? "thread.deleted" : "thread.erased")}</em> : message.text && <p className={classes.text}>{linked(message.text)}</p>}
          <Extras message={message} />
          <Attachments files={shownFiles(message)} again={() => void client.invalidateQueries({ queryKey: keys.messages(message.conversation_id) })} />
          {letter && !message.erased && <LetterFoot message={message} letter={letter} conversation={conversation} />}
          {message.citation && <Source citation={message.citation} />}
          {message.buttons.length > 0 && (
            <ul className={classes.buttons} aria-label={t("thread.buttons")}>
              {message.buttons.map((button) => (
                <li key={button.payload}>{button.title}</li>
              ))}
            </ul>
          )}
        </div>
        <Reactions message={message} />
        {message.vendor && <Ended message={message} vendor={message.vendor} conversation={conversation} />}
        <p className={classes.foot}>
          <time dateTime={message.at} title={dayAndTime(message.at, text)}>
            {clock(message.at, text)}
          </time>
          <Versions message={message} />
          {/* A note went over no channel. */}
          {channels && message.channel !== "" && <ChannelIcon channel={message.channel} size={14} />}
          {message.delivery && message.kind !== "incoming" && <Delivery message={message} delivery={message.delivery} />}
          {letter && message.rule !== null && message.rule !== "moved" ? <PlacedBy letter={letter} /> : message.rule && <Why rule={message.rule} />}
        </p>
      </div>
    </article>
  );
});

/** What became of a question to an outside firm; while nothing did, it can be taken back. */
function Ended({ message, vendor, conversation }: { message: MessageOut; vendor: NonNullable<MessageOut["vendor"]>; conversation: ConversationOut }) {
  const { t } = useText();
  const { act, busy } = useAct(conversation);
  if (message.author.kind === "vendor") return vendor.ended === "done" ? <p className={classes.ended}>{t("vendor.isDone")}</p> : null;
  if (vendor.ended !== "") return <p className={classes.ended}>{t(vendor.ended === "done" ? "vendor.isDone" : "vendor.isRecalled")}</p>;
  if (conversation.merged_into !== null || conversation.status === "resolved") return null;
  return (
    <UnstyledButton className={classes.recall} disabled={busy !== null} title={t("vendor.recallHint")} onClick={() => void act(recallVendor, vendor)}>
      {t("vendor.recall")}
    </UnstyledButton>
  );
}

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

function Why({ rule }: { rule: NonNullable<MessageOut["rule"]> }) {
  const { t, word } = useText();
  return (
    <Popover width={260} shadow="md" position="top">
      <Popover.Target>
        <UnstyledButton className={classes.why} aria-label={t("thread.why")} title={t("thread.why")}>
          <IconInfoCircle size={15} aria-hidden />
        </UnstyledButton>
      </Popover.Target>
      <Popover.Dropdown className={classes.rule ?? ""}>{word("rule", rule)}</Popover.Dropdown>
    </Popover>
  );
}
