import { Popover, UnstyledButton } from "@mantine/core";
import type { MessageOut } from "@centralita/shared/api";
import { useQueryClient } from "@tanstack/react-query";

import { keys } from "../api/queries";
import { dayAndTime } from "../format/time";
import { messagesOf, type MessagePages } from "../live/rows";
import { IconAddressBook, IconAlertTriangle, IconArrowsRightLeft, IconCornerUpLeft, IconExternalLink, IconMapPin, IconPencil, IconSticker } from "../parts/icons";
import { useText, type Text } from "../text";
import classes from "./Extras.module.css";

/** What stands above a message's text: what it quotes, and what led the customer to write it. */
export function Above({ message }: { message: MessageOut }) {
  const { t, word } = useText();
  const { referral, link } = message;
  return (
    <>
      {link && (
        <p className={classes.referral} data-link={link}>
          {link === "linked" ? <IconArrowsRightLeft size={15} aria-hidden /> : <IconAlertTriangle size={15} aria-hidden />}
          <span>{t(`thread.link.${link}`)}</span>
        </p>
      )}
      {referral && (
        <p className={classes.referral}>
          <IconExternalLink size={15} aria-hidden />
          <span>
            {t("thread.referral", { source: word("referral", referral.source) })}{" "}
            {referral.url ? (
              <a href={referral.url} target="_blank" rel="noopener noreferrer nofollow">
                {referral.title || referral.url}
              </a>
            ) : (
              referral.title || referral.reference
            )}
          </span>
        </p>
      )}
      {message.answers !== null && <Quoted message={message} id={message.answers} />}
    </>
  );
}

function Quoted({ message, id }: { message: MessageOut; id: string }) {
  const { t } = useText();
  const pages = useQueryClient().getQueryData<MessagePages>(keys.messages(message.conversation_id));
  const quoted = pages && messagesOf(pages).find((each) => each.id === id);
  return (
    <blockquote className={classes.quote} aria-label={t("thread.quotes")}>
      <IconCornerUpLeft size={14} aria-hidden />
      <span>{(quoted && inWords(quoted, t)) || t("thread.quotesEarlier")}</span>
    </blockquote>
  );
}

/** A message in a line, also one without words. */
function inWords({ text, location, cards, sticker, deleted, attachments }: MessageOut, t: Text["t"]): string {
  if (text) return text;
  if (deleted) return t("thread.deleted");
  if (location) return [location.name, location.address].filter(Boolean).join(", ");
  if (cards.length > 0) return `${t("thread.card")} ${cards.map(({ name }) => name).join(", ")}`;
  if (sticker !== null) return `${t("thread.sticker")} ${sticker}`;
  return attachments.map(({ name }) => name).join(", ");
}

/** What a message has besides text and files. */
export function Extras({ message }: { message: MessageOut }) {
  const { t } = useText();
  const { location, cards, sticker, unsupported } = message;
  return (
    <>
      {location && (
        <p className={classes.line}>
          <IconMapPin size={16} aria-hidden />
          <a
            href={`https://www.openstreetmap.org/?mlat=${location.latitude}&mlon=${location.longitude}#map=17/${location.latitude}/${location.longitude}`}
            target="_blank"
            rel="noopener noreferrer"
          >
            {[location.name, location.address].filter(Boolean).join(", ") || `${location.latitude}, ${location.longitude}`}
          </a>
        </p>
      )}
      {cards.map((card, position) => (
        <p key={position} className={classes.line}>
          <IconAddressBook size={16} aria-hidden />
          <span>
            {t("thread.card")} {[card.name, ...card.phones, ...card.emails].filter(Boolean).join(" · ")}
          </span>
        </p>
      ))}
      {sticker !== null && (
        <p className={classes.line}>
          <IconSticker size={16} aria-hidden />
          <span>
            {t("thread.sticker")} {sticker}
          </span>
        </p>
      )}
      {unsupported !== null && <p className={classes.unsupported}>{t("thread.unsupported", { kind: unsupported })}</p>}
    </>
  );
}

/** Signs that people put to a message. */
export function Reactions({ message }: { message: MessageOut }) {
  const { t } = useText();
  if (message.reactions.length === 0) return null;
  return (
    <ul className={classes.reactions} aria-label={t("thread.reactions")}>
      {message.reactions.map(({ emoji, names }) => (
        <li key={emoji} title={names.filter(Boolean).join(", ")}>
          {emoji}
          {names.length > 1 && <span> {names.length}</span>}
        </li>
      ))}
    </ul>
  );
}

/** That a message was edited, and what it said before. */
export function Versions({ message }: { message: MessageOut }) {
  const text = useText();
  const { t } = text;
  if (message.versions.length === 0) return null;
  return (
    <Popover width={320} shadow="md" position="bottom" trapFocus>
      <Popover.Target>
        <UnstyledButton className={classes.edited}>
          <IconPencil size={13} aria-hidden /> {t("thread.edited")}
        </UnstyledButton>
      </Popover.Target>
      <Popover.Dropdown>
        <p className={classes.before}>{t("thread.before")}</p>
        <ol className={classes.versions}>
          {message.versions.map((version, position) => (
            <li key={position}>
              {version.text || "—"}
              {version.at !== null && <small> {dayAndTime(version.at, text)}</small>}
            </li>
          ))}
        </ol>
      </Popover.Dropdown>
    </Popover>
  );
}
